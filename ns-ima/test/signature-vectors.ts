// SPDX-License-Identifier: Apache-2.0

import { Buffer } from "node:buffer";
import { createPublicKey, verify } from "node:crypto";
import { readFileSync } from "node:fs";
import type { EcdsaVerifier, FileDigest } from "@nsattest/ns-ima";

/** A key of `vectors/signatures/signatures.json`. */
export interface VectorKey {
  readonly name: string;
  readonly spki: Buffer;
  readonly certificate: Buffer;
  readonly keyId: string;
}

/** A signature of it. */
export interface VectorSignature {
  readonly name: string;
  readonly key: string;
  readonly content: string;
  readonly digest: FileDigest & { readonly value: Buffer };
  readonly xattr: Buffer;
}

interface VectorFile {
  readonly keys: readonly Readonly<Record<"name" | "spki" | "certificate" | "keyId", string>>[];
  readonly signatures: readonly Readonly<
    Record<"name" | "key" | "content" | "digest" | "xattr", string>
  >[];
}

const file = JSON.parse(
  readFileSync(new URL("vectors/signatures/signatures.json", import.meta.url), "utf8"),
) as VectorFile;

export const KEYS: readonly VectorKey[] = file.keys.map(({ spki, certificate, ...key }) => ({
  ...key,
  spki: Buffer.from(spki, "hex"),
  certificate: Buffer.from(certificate, "hex"),
}));

export const SIGNATURES: readonly VectorSignature[] = file.signatures.map((signature) => {
  const [value = "", ...algorithm] = signature.digest.split(":").reverse();
  return {
    ...signature,
    digest: { algorithm: algorithm.reverse().join(":"), value: Buffer.from(value, "hex") },
    xattr: Buffer.from(signature.xattr, "hex"),
  };
});

export function vectorKey(name: string): VectorKey {
  const key = KEYS.find((each) => each.name === name);
  if (key === undefined) throw new Error(`no key ${name}`);
  return key;
}

export function vectorSignature(name: string): VectorSignature {
  const signature = SIGNATURES.find((each) => each.name === name);
  if (signature === undefined) throw new Error(`no signature ${name}`);
  return signature;
}

/**
 * Verifies ECDSA over the digests of the vectors, with OpenSSL: it wants the content, and here the content is known. Of
 * any other digest no signature is valid.
 */
export const verifyVectorEcdsa: EcdsaVerifier = ({ point, digest, signature }) => {
  const vector = SIGNATURES.find(({ digest: { value } }) => value.equals(digest));
  const key = KEYS.find(({ spki }) => spki.subarray(-point.length).equals(point));
  if (vector === undefined || key === undefined) return false;
  const publicKey = createPublicKey({ key: key.spki, format: "der", type: "spki" });
  return verify(vector.digest.algorithm, Buffer.from(vector.content), publicKey, signature);
};
