// SPDX-License-Identifier: Apache-2.0

import type { KeyObject } from "node:crypto";
import {
  ByteReader,
  EK_RSA_2048_TEMPLATE,
  parsePublicArea,
  publicKeyOf,
  TpmError,
} from "@nsattest/tpm";
import { RegistrarError } from "../error.ts";

const MODULUS_BYTES = 256;

/**
 * The key of an endorsement key's public area (TPMT_PUBLIC).
 *
 * Passes only the TCG's RSA-2048 template (EK Credential Profile, L-1): a restricted storage key that never leaves its
 * TPM and never decrypts for anybody, so that only TPM2_ActivateCredential can open what is wrapped for it. The area's
 * algorithms are the sender's choice otherwise, and what is wrapped would only be as strong as they are.
 *
 * Does not check that the key is in a TPM: that is what its certificate says.
 *
 * @throws RegistrarError `EK_TEMPLATE`
 */
export function endorsementKey(ekPublic: Uint8Array): KeyObject {
  try {
    const area = parsePublicArea(ekPublic);
    if (!Buffer.from(withoutModulus(ekPublic)).equals(withoutModulus(EK_RSA_2048_TEMPLATE))) {
      throw new RegistrarError("EK_TEMPLATE", "the EK is not made from the RSA-2048 template");
    }
    return publicKeyOf(area);
  } catch (cause) {
    if (!(cause instanceof TpmError)) throw cause;
    throw new RegistrarError("EK_TEMPLATE", "the EK's public area cannot be used", { cause });
  }
}

// The modulus is the end of both: parsePublicArea has seen to the length.
function withoutModulus(area: Uint8Array): Uint8Array {
  return new ByteReader(area).bytes(EK_RSA_2048_TEMPLATE.length - MODULUS_BYTES);
}
