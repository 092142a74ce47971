// SPDX-License-Identifier: Apache-2.0

import { Buffer } from "node:buffer";
import { describe, expect, it } from "vitest";
import { KEYS, vectorKey } from "../../test/signature-vectors.ts";
import { subjectKeyId } from "./subject-key-id.ts";

const hex = (bytes: Uint8Array | null): string | null =>
  bytes && Buffer.from(bytes).toString("hex");

/** DER of a value whose content has less than 128 bytes. */
const der = (tag: number, ...parts: readonly Uint8Array[]): Buffer => {
  const content = Buffer.concat(parts);
  return Buffer.concat([Buffer.of(tag, content.length), content]);
};
const extension = (id: string, ...rest: readonly Uint8Array[]): Buffer =>
  der(0x30, der(0x06, Buffer.from(id, "hex")), ...rest);
const certificate = (...extensions: readonly Buffer[]): Buffer =>
  der(0x30, der(0x30, der(0x02, Buffer.of(1)), der(0xa3, der(0x30, ...extensions))));
const value = der(0x04, der(0x04, Buffer.from("cafe", "hex")));
const critical = der(0x01, Buffer.of(0xff));

describe("the subject key identifier", () => {
  it.each(KEYS)(
    "of a certificate that openssl made for $name ends in the key id",
    ({ certificate, keyId }) => {
      expect(hex(subjectKeyId(certificate))?.slice(-8)).toBe(keyId);
    },
  );

  it("is found behind other extensions, critical or not", () => {
    const other = extension("551d0f", critical, value);
    expect(hex(subjectKeyId(certificate(other, extension("551d0e", value))))).toBe("cafe");
    expect(hex(subjectKeyId(certificate(extension("551d0e", critical, value))))).toBe("cafe");
  });

  it("may be missing", () => {
    expect(subjectKeyId(certificate())).toBeNull();
    expect(subjectKeyId(certificate(extension("551d0f", value)))).toBeNull();
    expect(subjectKeyId(der(0x30, der(0x30, der(0x02, Buffer.of(1)))))).toBeNull();
  });
});

describe("is not looked for in", () => {
  it.each([
    ["nothing", ""],
    ["no sequence", "0400"],
    ["a sequence of no sequence", "30020400"],
    ["a length of no bytes", "3080"],
    ["a length of 4 bytes", `308400000002${"3000"}`],
    ["a length that could be shorter", "3081023000"],
    ["a length with a leading zero", `308200${"80"}${"00".repeat(128)}`],
    ["less than it says", "30053003020101".slice(0, -2)],
    ["extensions that are none", der(0x30, der(0x30, der(0xa3, der(0x04)))).toString("hex")],
    [
      "an identifier that is none",
      certificate(extension("551d0e", der(0x04, der(0x02)))).toString("hex"),
    ],
  ])("%s", (_, bytes) => {
    expect(() => subjectKeyId(Buffer.from(bytes, "hex"))).toThrow();
  });

  it("a certificate that ends early, wherever its extensions are not complete", () => {
    const { certificate } = vectorKey("p256");
    for (let length = 0; length < certificate.length; length += 1) {
      expect(() => subjectKeyId(certificate.subarray(0, length))).toThrow();
    }
  });
});
