// SPDX-License-Identifier: Apache-2.0

import { EK_KINDS } from "./ek-kind.ts";
import { ObjectAttribute as Attribute, encodePublicArea } from "./public-area.ts";

const NONE = new Uint8Array(0);

/** Template L-1 of the TCG EK Credential Profile: the RSA-2048 EK that vendors certify at NV index 01c00002. */
export const EK_RSA_2048_TEMPLATE: Uint8Array = EK_KINDS["L-1"].template;

const AK = {
  nameAlg: "sha256",
  attributes:
    Attribute.fixedTPM |
    Attribute.fixedParent |
    Attribute.sensitiveDataOrigin |
    Attribute.userWithAuth |
    Attribute.restricted |
    Attribute.sign,
  authPolicy: NONE,
  symmetricBits: 0,
} as const;

/** A restricted RSA-2048 key that signs RSASSA with SHA-256: it signs only what the TPM itself states. */
export const AK_RSA_2048_TEMPLATE: Uint8Array = encodePublicArea({
  type: "rsa",
  ...AK,
  scheme: { name: "rsassa", hash: "sha256" },
  bits: 2048,
  exponent: 0,
  modulus: NONE,
});

/** The same of P-256, which signs ECDSA with SHA-256: several times faster in a TPM. */
export const AK_ECC_P256_TEMPLATE: Uint8Array = encodePublicArea({
  type: "ecc",
  ...AK,
  scheme: { name: "ecdsa", hash: "sha256" },
  curve: "p256",
  x: NONE,
  y: NONE,
});
