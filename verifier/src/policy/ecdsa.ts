// SPDX-License-Identifier: Apache-2.0

import { p256, p384, p521 } from "@noble/curves/nist.js";
import type { EcdsaVerifier } from "@nsattest/ns-ima";

const CURVES = { "P-256": p256, "P-384": p384, "P-521": p521 } as const;

// The signature is over this digest as it is; both s and n - s are valid in ECDSA; the kernel reads strict DER too.
const OPTIONS = { prehash: false, lowS: false, format: "der" } as const;

/**
 * Verifies ECDSA over a given digest, which `node:crypto` cannot: it hashes what it is given. Milliseconds for each, so
 * whoever asks remembers the answer.
 */
export const verifyEcdsa: EcdsaVerifier = ({ curve, point, digest, signature }) =>
  CURVES[curve].verify(signature, digest, point, OPTIONS);
