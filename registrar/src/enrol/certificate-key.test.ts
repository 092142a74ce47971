// SPDX-License-Identifier: Apache-2.0

import { createPublicKey, X509Certificate } from "node:crypto";
import { describe, expect, it } from "vitest";
import { makeRsaKey } from "../../test/fake-tpm.ts";
import { FakeVendors } from "../../test/fake-vendor.ts";
import { certificateKey } from "./certificate-key.ts";

const vendors = new FakeVendors(new Date("2026-01-02T03:04:05Z"));
const key = makeRsaKey();
const der = vendors.ekCertificate(vendors.root("Root"), key);
/** AlgorithmIdentifier of rsaEncryption, whose last arc becomes another's. */
const RSA_ENCRYPTION = Buffer.from("300d06092a864886f70d0101010500", "hex");

function withAlgorithm(arc: number): X509Certificate {
  const changed = Buffer.from(der);
  changed.writeUInt8(arc, changed.indexOf(RSA_ENCRYPTION) + 12);
  return new X509Certificate(changed);
}

describe("the key of a certificate", () => {
  it("is read", () => {
    expect(certificateKey(new X509Certificate(der)).equals(createPublicKey(key))).toBe(true);
  });

  it("is read where the vendor calls it an RSAES-OAEP key", () => {
    expect(() => withAlgorithm(7).publicKey).toThrow();
    expect(certificateKey(withAlgorithm(7)).equals(createPublicKey(key))).toBe(true);
  });

  it("is refused under any other name", () => {
    expect(() => certificateKey(withAlgorithm(99))).toThrow(
      expect.objectContaining({ code: "EK_CERT_MALFORMED" }),
    );
  });
});
