// SPDX-License-Identifier: Apache-2.0

import { digest } from "./hash-algorithm.ts";
import { ObjectAttribute as Attribute, encodePublicArea } from "./public-area.ts";

const NONE = new Uint8Array(0);
const ZEROS_SHA256 = new Uint8Array(32);
// TPM_CC_PolicySecret and TPM_RH_ENDORSEMENT.
const POLICY_SECRET_ENDORSEMENT = new Uint8Array([0, 0, 1, 0x51, 0x40, 0, 0, 0x0b]);

/** PolicySecret(endorsement) with an empty policyRef (TPM 2.0 part 3, 23.4; EK Credential Profile 2.1.5.2). */
const ENDORSEMENT_POLICY = digest(
  "sha256",
  digest("sha256", ZEROS_SHA256, POLICY_SECRET_ENDORSEMENT),
);

/** Template L-1 of the TCG EK Credential Profile: the RSA-2048 EK that vendors certify at NV index 01c00002. */
export const EK_RSA_2048_TEMPLATE: Uint8Array = encodePublicArea({
  type: "rsa",
  bits: 2048,
  nameAlg: "sha256",
  attributes:
    Attribute.fixedTPM |
    Attribute.fixedParent |
    Attribute.sensitiveDataOrigin |
    Attribute.adminWithPolicy |
    Attribute.restricted |
    Attribute.decrypt,
  authPolicy: ENDORSEMENT_POLICY,
  symmetricBits: 128,
  scheme: null,
  exponent: 0,
  modulus: new Uint8Array(256),
});

/** A restricted RSA-2048 key that signs RSASSA with SHA-256: it signs only what the TPM itself states. */
export const AK_RSA_2048_TEMPLATE: Uint8Array = encodePublicArea({
  type: "rsa",
  bits: 2048,
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
  scheme: { name: "rsassa", hash: "sha256" },
  exponent: 0,
  modulus: NONE,
});
