// SPDX-License-Identifier: Apache-2.0

import type { KeyObject } from "node:crypto";
import { TpmError } from "./error.ts";
import type { HashName } from "./hash-algorithm.ts";
import {
  ObjectAttribute as Attribute,
  type PublicArea,
  parsePublicArea,
  publicKeyOf,
  type SigningScheme,
} from "./public-area.ts";

/** A public area that {@link assertAttestationKey} let pass. */
export type AttestationKeyArea = PublicArea & { readonly scheme: SigningScheme };

/** An attestation key that is ready to check signatures. Making one costs more than checking a signature with it. */
export interface AttestationKey {
  readonly area: AttestationKeyArea;
  readonly key: KeyObject;
}

/** Gives the key that a TPMT_PUBLIC describes; throws as {@link loadAttestationKey}. */
export type AttestationKeyLoader = (akPublic: Uint8Array) => AttestationKey;

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

/**
 * The key that the TPMT_PUBLIC `akPublic` describes, when {@link assertAttestationKey} lets it pass.
 *
 * @throws TpmError `AK_ATTRIBUTES`, `KEY_INVALID`, and as {@link parsePublicArea}
 */
export function loadAttestationKey(akPublic: Uint8Array): AttestationKey {
  const area = parsePublicArea(akPublic);
  assertAttestationKey(area);
  return { area, key: publicKeyOf(area) };
}

/** {@link loadAttestationKey} that remembers the `max` keys it was asked for last, by their bytes. */
export function rememberAttestationKeys(max: number): AttestationKeyLoader {
  const known = new Map<string, AttestationKey>();
  return (akPublic) => {
    const { buffer, byteOffset, byteLength } = akPublic;
    const bytes = Buffer.from(buffer, byteOffset, byteLength).toString("latin1");
    const loaded = known.get(bytes) ?? loadAttestationKey(akPublic);
    // Again at the end: the first one of the map is the one that was not asked for the longest.
    known.delete(bytes);
    known.set(bytes, loaded);
    const [oldest = bytes] = known.keys();
    if (known.size > max) known.delete(oldest);
    return loaded;
  };
}

function refuse(why: string): never {
  throw new TpmError("AK_ATTRIBUTES", `not an attestation key: ${why}`);
}
