// SPDX-License-Identifier: Apache-2.0

import { createHash, createPublicKey, verify, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

interface SignatureVectors {
  readonly keys: readonly {
    readonly name: string;
    readonly spki: string;
    readonly certificate: string;
    readonly keyId: string;
  }[];
  readonly signatures: readonly {
    readonly name: string;
    readonly key: string;
    readonly content: string;
    readonly digest: string;
    readonly xattr: string;
  }[];
}

const { keys, signatures } = JSON.parse(
  readFileSync(new URL("vectors/signatures/signatures.json", import.meta.url), "utf8"),
) as SignatureVectors;

const ALGORITHMS: Readonly<Record<number, string>> = {
  2: "sha1",
  4: "sha256",
  5: "sha384",
  6: "sha512",
};

describe("signatures made elsewhere, read with Node's own crypto", () => {
  it.each(keys)("the certificate of $name is of its key", ({ spki, certificate }) => {
    const { publicKey } = new X509Certificate(Buffer.from(certificate, "hex"));
    expect(publicKey.export({ type: "spki", format: "der" }).toString("hex")).toBe(spki);
  });

  const headed = signatures.filter(({ name }) => /^(?:v2|v3|verity)-/.test(name));

  it.each(headed)("$name is of its key", ({ key, content, digest, xattr }) => {
    const bytes = Buffer.from(xattr, "hex");
    const { spki, keyId } = keys.find(({ name }) => name === key) ?? { spki: "", keyId: "" };
    expect(bytes.toString("hex", 3, 7)).toBe(keyId);
    expect(bytes.readUInt16BE(7)).toBe(bytes.length - 9);
    const algorithm = ALGORITHMS[bytes.readUInt8(2)] ?? "";
    const [value = "", name] = digest.split(":").reverse();
    expect(name).toBe(algorithm);
    const signed =
      bytes[1] === 2
        ? Buffer.from(content)
        : Buffer.concat([
            Buffer.from([bytes.readUInt8(0), bytes.readUInt8(2)]),
            Buffer.from(value, "hex"),
          ]);
    const publicKey = createPublicKey({
      key: Buffer.from(spki, "hex"),
      format: "der",
      type: "spki",
    });
    expect(verify(algorithm, signed, publicKey, bytes.subarray(9))).toBe(true);
  });

  const plain = signatures.filter(({ digest }) => !digest.startsWith("verity:"));

  it.each(plain)("$name is over its content", ({ content, digest }) => {
    const [algorithm = "", value] = digest.split(":");
    expect(createHash(algorithm).update(content).digest("hex")).toBe(value);
  });
});
