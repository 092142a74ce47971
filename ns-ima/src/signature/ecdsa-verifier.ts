// SPDX-License-Identifier: Apache-2.0

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
