// SPDX-License-Identifier: Apache-2.0

import {
  assertAttestationKey,
  parsePublicArea,
  publicAreaName,
  publicKeyOf,
  TpmError,
} from "@nsattest/tpm";
import { RegistrarError } from "../error.ts";

/**
 * Name of an attestation key, from its public area (TPMT_PUBLIC), once it is one whose quotes can be believed.
 *
 * Does not check that a TPM has it: that is what activation proves.
 *
 * @throws RegistrarError `AK_REFUSED`
 */
export function attestationKeyName(akPublic: Uint8Array): Uint8Array {
  try {
    const area = parsePublicArea(akPublic);
    assertAttestationKey(area);
    publicKeyOf(area);
    return publicAreaName(akPublic);
  } catch (cause) {
    if (!(cause instanceof TpmError)) throw cause;
    throw new RegistrarError("AK_REFUSED", cause.message, { cause });
  }
}
