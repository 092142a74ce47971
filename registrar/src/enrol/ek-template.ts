// SPDX-License-Identifier: Apache-2.0

import type { KeyObject } from "node:crypto";
import { ekKindOf, parsePublicArea, publicKeyOf, TpmError } from "@nsattest/tpm";
import { RegistrarError } from "../error.ts";

/**
 * The key of an endorsement key's public area (TPMT_PUBLIC).
 *
 * Passes only the TCG's templates of RSA-2048, P-256 and P-384 (EK Credential Profile, L-1, L-2, H-1, H-2, H-3). The
 * area's attributes and algorithms are the sender's choice otherwise, and what is wrapped would only be as strong.
 *
 * Does not check that the key is in a TPM: that is what its certificate says.
 *
 * @throws RegistrarError `EK_TEMPLATE`
 */
export function endorsementKey(ekPublic: Uint8Array): KeyObject {
  try {
    const area = parsePublicArea(ekPublic);
    if (ekKindOf(area) === null) {
      throw new RegistrarError("EK_TEMPLATE", "the EK is not made from one of the TCG's templates");
    }
    return publicKeyOf(area);
  } catch (cause) {
    if (!(cause instanceof TpmError)) throw cause;
    throw new RegistrarError("EK_TEMPLATE", "the EK's public area cannot be used", { cause });
  }
}
