// SPDX-License-Identifier: Apache-2.0

import { HASH_ALGORITHMS } from "@nsattest/tpm";
import type { FileDigest } from "../log/event.ts";
import { type ImaSignature, parseImaSignature } from "./ima-signature.ts";
import type { SignatureChecks } from "./signature-checks.ts";
import type { VerificationKey } from "./verification-key.ts";

/**
 * What is wrong with a signature:
 * - `revoked-key`: it names, or was made by, a key that is revoked
 * - `invalid`: it is malformed, says nothing about the file's digest, or no key that it names has made it
 * - `unknown-key`: the keyring has no key of the id that it names
 */
export type SignatureProblem = "revoked-key" | "invalid" | "unknown-key";

/** The keys whose signatures count for one policy. */
export interface Keyring {
  /** Whether `signature`, the content of a `sig` field, says that one of the keys has signed a file with `digest`. */
  judge(signature: Uint8Array, digest: FileDigest): "valid" | SignatureProblem;
}

/**
 * A keyring of `keys`, of which those in `revoked` count no longer: fingerprints (SHA-256 of the public key), or ids as
 * in signatures, all in hex.
 *
 * A signature counts when it is about the file's digest and of the same algorithm. One of kind `evm` never is: it covers
 * the file's attributes and owner, and what of them is not in the field. Keys are tried one after the other where several
 * have the id. Times are not looked at: neither a signature nor a list record has one, so that a certificate has expired
 * says nothing about when it was used.
 */
export function createKeyring(
  keys: readonly VerificationKey[],
  revoked: ReadonlySet<string>,
  checks: SignatureChecks,
): Keyring {
  const byId = new Map<string, VerificationKey[]>();
  for (const key of keys) {
    for (const id of idsOf(key)) byId.set(id, [...(byId.get(id) ?? []), key]);
  }

  return {
    judge(bytes, digest) {
      const signature = parsed(bytes);
      if (signature === null || !isAbout(signature, digest)) return "invalid";
      if (revoked.has(signature.keyId)) return "revoked-key";
      const candidates = byId.get(signature.keyId);
      if (candidates === undefined) return "unknown-key";
      const { value } = digest;
      const signer = candidates.find((key) => checks.isMadeBy({ key, signature, digest: value }));
      if (signer === undefined) return "invalid";
      return revoked.has(signer.fingerprint) ? "revoked-key" : "valid";
    },
  };
}

/** The ids by which signatures may name `key`: of different lengths. */
function idsOf(key: VerificationKey): readonly string[] {
  return key.type === "rsa" ? [key.id, key.version1Id] : [key.id];
}

function parsed(bytes: Uint8Array): ImaSignature | null {
  try {
    return parseImaSignature(bytes);
  } catch {
    return null;
  }
}

function isAbout({ kind, algorithm }: ImaSignature, digest: FileDigest): boolean {
  const expected = { file: algorithm, verity: `verity:${algorithm}`, evm: null }[kind];
  return digest.algorithm === expected && digest.value.length === HASH_ALGORITHMS[algorithm].size;
}
