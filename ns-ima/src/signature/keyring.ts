// SPDX-License-Identifier: Apache-2.0

import type { FileDigest } from "../log/event.ts";

/** The curves of a key that may sign files. */
export type Curve = "P-256" | "P-384" | "P-521";

/** One ECDSA signature to be verified over a digest as it is. */
export interface EcdsaSignature {
  readonly curve: Curve;
  /** The public key, uncompressed: 04, X, Y. */
  readonly point: Uint8Array;
  readonly digest: Uint8Array;
  /** DER: the sequence of r and s. */
  readonly signature: Uint8Array;
}

/** Verifies ECDSA over a given digest, without hashing it. Answers false, and never throws, for whatever bytes. */
export type EcdsaVerifier = (signature: EcdsaSignature) => boolean;

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
