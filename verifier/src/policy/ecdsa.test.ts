// SPDX-License-Identifier: Apache-2.0

import { generateKeyPairSync, hash, sign } from "node:crypto";
import { describe, expect, it } from "vitest";
import { ownPublicKey } from "../../../tpm/test/own-public-key.ts";
import { verifyEcdsa } from "./ecdsa.ts";

// The other side is OpenSSL, by way of node:crypto: it hashes the message, and we are given the digest.
describe.each([
  ["P-256", "sha256"],
  ["P-256", "sha512"],
  ["P-384", "sha256"],
  ["P-384", "sha384"],
  ["P-521", "sha512"],
] as const)("ECDSA with %s over %s", (curve, algorithm) => {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: curve });
  const { x = "", y = "" } = ownPublicKey(publicKey).export({ format: "jwk" });
  const point = Buffer.concat([
    Buffer.of(4),
    Buffer.from(x, "base64url"),
    Buffer.from(y, "base64url"),
  ]);
  const digest = hash(algorithm, "content", "buffer");
  const signature = sign(algorithm, Buffer.from("content"), privateKey);
  const good = { curve, point, digest, signature };

  it("accepts what OpenSSL signed", () => {
    expect(verifyEcdsa(good)).toBe(true);
  });

  it("refuses another digest, another signature and another key", () => {
    const other = generateKeyPairSync("ec", { namedCurve: curve }).privateKey;
    expect(verifyEcdsa({ ...good, digest: hash(algorithm, "contents", "buffer") })).toBe(false);
    const forged = sign(algorithm, Buffer.from("content"), other);
    expect(verifyEcdsa({ ...good, signature: forged })).toBe(false);
  });

  it.each([
    ["nothing", new Uint8Array()],
    ["a byte more", Buffer.concat([signature, Buffer.of(0)])],
    ["a byte less", signature.subarray(1)],
    ["r = s = 0", Buffer.from("3006020100020100", "hex")],
    ["no DER", Buffer.alloc(64, 1)],
  ])("refuses a signature that is %s", (_, bytes) => {
    expect(verifyEcdsa({ ...good, signature: bytes })).toBe(false);
  });

  it("does not throw for a point that is on no curve", () => {
    expect(verifyEcdsa({ ...good, point: point.with(1, (point[1] ?? 0) ^ 1) })).toBe(false);
  });
});
