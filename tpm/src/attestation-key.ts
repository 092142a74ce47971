// SPDX-License-Identifier: Apache-2.0

import { TpmError } from "./error.ts";
import type { HashName } from "./hash-algorithm.ts";
import {
  ObjectAttribute as Attribute,
  type PublicArea,
  type SigningScheme,
} from "./public-area.ts";

/** A public area that {@link assertAttestationKey} let pass. */
export type AttestationKeyArea = PublicArea & { readonly scheme: SigningScheme };

const REQUIRED = ["fixedTPM", "fixedParent", "sensitiveDataOrigin", "restricted", "sign"] as const;
const BROKEN: ReadonlySet<HashName> = new Set(["sha1"]);

/**
 * Checks that whatever the key signed over a TPM-made structure was made by the TPM that holds the key: it was made in
 * the TPM and cannot leave it, and being restricted it refuses to sign data that merely look like an attestation.
 *
 * Does not check that there is such a TPM: that is what credential activation and the EK certificate prove.
 *
 * @throws TpmError `AK_ATTRIBUTES`
 */
export function assertAttestationKey(area: PublicArea): asserts area is AttestationKeyArea {
  for (const name of REQUIRED) {
    if ((area.attributes & Attribute[name]) === 0) refuse(`${name} is not set`);
  }
  if ((area.attributes & Attribute.decrypt) !== 0) refuse("decrypt is set");
  if (area.scheme === null) refuse("no signing scheme");
  // The name is what activation binds, the scheme's hash is what a quote stands on.
  if (BROKEN.has(area.nameAlg) || BROKEN.has(area.scheme.hash)) refuse("SHA-1");
}

function refuse(why: string): never {
  throw new TpmError("AK_ATTRIBUTES", `not an attestation key: ${why}`);
}
