// SPDX-License-Identifier: Apache-2.0

import { X509Certificate } from "node:crypto";
import { describe, expect, it } from "vitest";
import { makeRsaKey } from "../../test/fake-tpm.ts";
import { FakeVendors } from "../../test/fake-vendor.ts";
import { certificateParts } from "./certificate-parts.ts";

const vendors = new FakeVendors(new Date("2026-01-02T03:04:05Z"));
const root = vendors.root("Root");
const der = vendors.ekCertificate(root, makeRsaKey(), { critical: ["1.2.3.4"] });

function codeOf(bytes: Uint8Array): string {
  try {
    certificateParts(bytes);
  } catch (error) {
    if (error instanceof Error && "code" in error) return String(error.code);
    throw error;
  }
  return "none";
}

function element(tag: number, ...content: readonly Buffer[]): Buffer {
  const value = Buffer.concat(content);
  const length = Buffer.of(0x82, value.length >> 8, value.length & 0xff);
  return Buffer.concat([Buffer.of(tag), length, value]);
}

/** A body with these fields after the public key. */
function body(...rest: readonly Buffer[]): Buffer {
  const head = [element(0x02), ...Array.from({ length: 5 }, () => element(0x30))];
  return element(0x30, element(0x30, ...head, ...rest));
}

describe("the parts of a certificate", () => {
  it("are its key and its extensions, with what is critical", () => {
    const { keyInfo, extensions } = certificateParts(der);
    const spki = new X509Certificate(der).publicKey.export({ type: "spki", format: "der" });
    expect(Buffer.from(keyInfo)).toEqual(spki.subarray(4));
    expect(extensions.map(({ oid, critical }) => `${oid} ${critical}`)).toEqual([
      "551d13 true",
      "551d0f true",
      "551d25 false",
      "551d0e false",
      "551d23 false",
      "2a0304 true",
    ]);
  });

  it("are read where the certificate has unique ids and no extension", () => {
    expect(certificateParts(body()).extensions).toEqual([]);
    expect(certificateParts(body(element(0x81), element(0x82))).extensions).toEqual([]);
  });

  it.each([
    ["what stands in the place of the key", element(0x30, element(0x30, element(0x02)))],
    ["what follows the extensions", body(element(0xa3, element(0x30)), element(0x30))],
    [
      "an extension with a tail",
      body(
        element(0xa3, element(0x30, element(0x30, element(0x06), element(0x04), element(0x04)))),
      ),
    ],
  ])("are not read with %s", (_, bytes) => {
    expect(codeOf(bytes)).toMatch(/^(CERTIFICATE_ENCODING|BYTES_TRAILING)$/);
  });

  it("are not read with more than 64 extensions", () => {
    const one = element(0x30, element(0x06), element(0x04));
    const many = (length: number): Buffer =>
      body(element(0xa3, element(0x30, ...Array.from({ length }, () => one))));
    expect(certificateParts(many(64)).extensions).toHaveLength(64);
    expect(codeOf(many(65))).toBe("CERTIFICATE_ENCODING");
  });
});
