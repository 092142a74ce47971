// SPDX-License-Identifier: Apache-2.0

import { createPublicKey, generateKeyPairSync, hash, type KeyObject } from "node:crypto";
import { describe, expect, it } from "vitest";
import { ownPublicKey } from "../../../tpm/test/own-public-key.ts";
import { KEYS, vectorKey, vectorSignature } from "../../test/signature-vectors.ts";
import { RSA_BITS_MAX, RSA_BITS_MIN, verificationKey } from "./verification-key.ts";

const objectOf = (name: string): KeyObject =>
  createPublicKey({ key: vectorKey(name).spki, format: "der", type: "spki" });
const rsa = (n: Buffer, e: Buffer): KeyObject =>
  createPublicKey({
    key: { kty: "RSA", n: n.toString("base64url"), e: e.toString("base64url") },
    format: "jwk",
  });
/** Odd, and of this many bits: nobody looks for its factors. */
const modulusOf = (bits: number): Buffer => {
  const bytes = Buffer.alloc(Math.ceil(bits / 8), 0xab);
  bytes[0] = 1 << ((bits - 1) % 8);
  return bytes;
};

describe("a key", () => {
  it.each(KEYS.filter(({ name }) => name !== "skid"))(
    "$name has the id that evmctl gives it",
    ({ name, keyId }) => {
      expect(verificationKey(objectOf(name)).id).toBe(keyId);
    },
  );

  it("has another id where one is given", () => {
    expect(verificationKey(objectOf("p256"), "01020304").id).toBe("01020304");
  });

  it("has the id of version 1 that evmctl gives it", () => {
    const id = vectorSignature("v1-rsa-sha256").xattr.toString("hex", 8, 16);
    expect(verificationKey(objectOf("rsa-2048"))).toMatchObject({ version1Id: id, size: 256 });
  });

  it("has the fingerprint of its public key information", () => {
    expect(verificationKey(objectOf("p384")).fingerprint).toBe(
      hash("sha256", vectorKey("p384").spki),
    );
  });

  it.each(["P-256", "P-384", "P-521"])("is on %s, with its whole point", (curve) => {
    const publicKey = ownPublicKey(generateKeyPairSync("ec", { namedCurve: curve }).publicKey);
    const spki = publicKey.export({ format: "der", type: "spki" });
    const key = verificationKey(publicKey);
    expect(key).toMatchObject({ type: "ec", curve });
    const point = key.type === "ec" ? Buffer.from(key.point) : Buffer.alloc(0);
    expect(spki.subarray(-point.length).equals(point) && point[0] === 4).toBe(true);
  });

  it("may be an RSA key from the smallest to the largest, of any length between", () => {
    for (const bits of [RSA_BITS_MIN, 2049, 3071, RSA_BITS_MAX]) {
      const key = verificationKey(rsa(modulusOf(bits), Buffer.of(1, 0, 1)));
      expect(key).toMatchObject({ type: "rsa", size: Math.ceil(bits / 8) });
    }
  });
});

describe("is refused", () => {
  it.each([
    ["an RSA key one bit too small", rsa(modulusOf(RSA_BITS_MIN - 1), Buffer.of(1, 0, 1))],
    ["an RSA key one bit too large", rsa(modulusOf(RSA_BITS_MAX + 1), Buffer.of(1, 0, 1))],
    ["the exponent 1", rsa(modulusOf(2048), Buffer.of(1))],
    ["an even exponent", rsa(modulusOf(2048), Buffer.of(1, 0, 0))],
    ["an exponent of 5 bytes", rsa(modulusOf(2048), Buffer.of(1, 0, 0, 0, 1))],
    ["RSA-PSS", generateKeyPairSync("rsa-pss", { modulusLength: 2048 }).publicKey],
    ["another curve", generateKeyPairSync("ec", { namedCurve: "secp256k1" }).publicKey],
    ["Ed25519", generateKeyPairSync("ed25519").publicKey],
  ])("%s", (_, object) => {
    expect(() => verificationKey(object)).toThrowError(/an RSA key/);
  });
});
