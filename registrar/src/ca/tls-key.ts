// SPDX-License-Identifier: Apache-2.0

import { createPublicKey, type KeyObject } from "node:crypto";
import { RegistrarError } from "../error.ts";

const MODULUS_BITS = { min: 2048, max: 4096 } as const;
const EXPONENT = 65537n;

/**
 * Reads the SubjectPublicKeyInfo (DER) of a key that wants a certificate.
 *
 * Only the one DER encoding of an RSA key passes, so the bytes that were proven are the bytes that are certified.
 * Does not check that anybody holds the private key.
 *
 * @throws RegistrarError `TLS_KEY_UNSUPPORTED`
 */
export function parseTlsKey(spki: Uint8Array): KeyObject {
  const key = readKey(spki);
  const { modulusLength = 0, publicExponent } = key.asymmetricKeyDetails ?? {};
  if (
    key.asymmetricKeyType !== "rsa" ||
    modulusLength < MODULUS_BITS.min ||
    modulusLength > MODULUS_BITS.max ||
    publicExponent !== EXPONENT
  ) {
    throw new RegistrarError("TLS_KEY_UNSUPPORTED", "the TLS key is not RSA of 2048 to 4096 bits");
  }
  if (!key.export({ type: "spki", format: "der" }).equals(spki)) {
    throw new RegistrarError("TLS_KEY_UNSUPPORTED", "the TLS key is not in its DER encoding");
  }
  return key;
}

function readKey(spki: Uint8Array): KeyObject {
  try {
    return createPublicKey({ key: Buffer.from(spki), type: "spki", format: "der" });
  } catch (cause) {
    throw new RegistrarError("TLS_KEY_UNSUPPORTED", "the TLS key cannot be read", { cause });
  }
}
