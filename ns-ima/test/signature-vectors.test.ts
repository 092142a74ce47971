// SPDX-License-Identifier: Apache-2.0

import { Buffer } from "node:buffer";
import { createPublicKey, hash, verify, X509Certificate } from "node:crypto";
import { describe, expect, it } from "vitest";
import { KEYS, SIGNATURES, vectorKey } from "./signature-vectors.ts";

const ALGORITHMS: Readonly<Record<number, string>> = {
  2: "sha1",
  4: "sha256",
  5: "sha384",
  6: "sha512",
};

describe("signatures made elsewhere, read with Node's own crypto", () => {
  it.each(KEYS)("the certificate of $name is of its key", ({ spki, certificate }) => {
    const { publicKey } = new X509Certificate(certificate);
    expect(publicKey.export({ type: "spki", format: "der" })).toEqual(spki);
  });

  const headed = SIGNATURES.filter(({ name }) => /^(?:v2|v3|verity)-/.test(name));

  it.each(headed)("$name is of its key", ({ key, content, digest, xattr }) => {
    const { spki, keyId } = vectorKey(key);
    const [type = 0, version, number = 0] = xattr;
    const algorithm = ALGORITHMS[number] ?? "";
    expect(xattr.toString("hex", 3, 7)).toBe(keyId);
    expect(xattr.readUInt16BE(7)).toBe(xattr.length - 9);
    expect(digest.algorithm.replace("verity:", "")).toBe(algorithm);
    const signed =
      version === 2
        ? Buffer.from(content)
        : Buffer.concat([Buffer.from([type, number]), digest.value]);
    const publicKey = createPublicKey({ key: spki, format: "der", type: "spki" });
    expect(verify(algorithm, signed, publicKey, xattr.subarray(9))).toBe(true);
  });

  const plain = SIGNATURES.filter(({ digest }) => !digest.algorithm.startsWith("verity:"));

  it.each(plain)("$name is over its content", ({ content, digest: { algorithm, value } }) => {
    expect(hash(algorithm, content, "buffer")).toEqual(value);
  });
});
