// SPDX-License-Identifier: Apache-2.0

import { digest } from "./hash-algorithm.ts";
import { ObjectAttribute as Attribute, encodePublicArea, type PublicArea } from "./public-area.ts";

/** Templates of the TCG EK Credential Profile (2.2.1.4 and 2.2.1.5) that are used here: low range and high range. */
export type EkName = "L-1" | "L-2" | "H-1" | "H-2" | "H-3";

/** An endorsement key that every TPM derives in the same way, and where its vendor puts the certificate of it. */
export interface EkKind {
  readonly name: EkName;
  /** TPMT_PUBLIC for TPM2_CreatePrimary. */
  readonly template: Uint8Array;
  /** NV index of the certificate. */
  readonly certificateIndex: number;
  /** How the key is used: by whoever may use the endorsement hierarchy, or with its own password, which is empty. */
  readonly authorization: "endorsement" | "password";
}

const NONE = new Uint8Array(0);
// TPM_CC_PolicySecret and TPM_RH_ENDORSEMENT.
const POLICY_SECRET_ENDORSEMENT = new Uint8Array([0, 0, 1, 0x51, 0x40, 0, 0, 0x0b]);
/** PolicySecret(endorsement) with an empty policyRef (TPM 2.0 part 3, 23.4; EK Credential Profile 2.1.5.2). */
const LOW_POLICY = digest(
  "sha256",
  digest("sha256", new Uint8Array(32), POLICY_SECRET_ENDORSEMENT),
);
// PolicyOR of that and PolicyAuthorizeNV over an index that the profile names (EK Credential Profile, annex B.6).
const HIGH_POLICY_SHA256 = Buffer.from(
  "ca3d0a99a2b93906f7a3342414efcfb3a385d44cd1fd459089d19b5071c0b7a0",
  "hex",
);
const HIGH_POLICY_SHA384 = Buffer.from(
  "b26e7d28d11a50bc53d882bcf5fd3a1a074148bb35d3b4e4cb1c0ad9bde419cacb47ba09699646150f9fc000f3f80e12",
  "hex",
);

const STORAGE_KEY =
  Attribute.fixedTPM |
  Attribute.fixedParent |
  Attribute.sensitiveDataOrigin |
  Attribute.adminWithPolicy |
  Attribute.restricted |
  Attribute.decrypt;

const LOW = {
  nameAlg: "sha256",
  attributes: STORAGE_KEY,
  authPolicy: LOW_POLICY,
  symmetricBits: 128,
  scheme: null,
} as const;
const HIGH = {
  nameAlg: "sha256",
  attributes: STORAGE_KEY | Attribute.userWithAuth,
  authPolicy: HIGH_POLICY_SHA256,
  symmetricBits: 128,
  scheme: null,
} as const;
const HIGH_384 = {
  ...HIGH,
  nameAlg: "sha384",
  authPolicy: HIGH_POLICY_SHA384,
  symmetricBits: 256,
} as const;
const RSA_2048 = { type: "rsa", bits: 2048, exponent: 0, modulus: NONE } as const;
const P256 = { type: "ecc", curve: "p256", x: NONE, y: NONE } as const;
const P384 = { type: "ecc", curve: "p384", x: NONE, y: NONE } as const;
/** What a low-range template has in the place of a coordinate. */
const ZEROS = new Uint8Array(32);

/** All kinds, in the order in which a node looks for a certificate. */
export const EK_KINDS: Readonly<Record<EkName, EkKind>> = {
  "L-1": {
    name: "L-1",
    template: encodePublicArea({ ...LOW, ...RSA_2048, modulus: new Uint8Array(256) }),
    certificateIndex: 0x01c0_0002,
    authorization: "endorsement",
  },
  "L-2": {
    name: "L-2",
    template: encodePublicArea({ ...LOW, ...P256, x: ZEROS, y: ZEROS }),
    certificateIndex: 0x01c0_000a,
    authorization: "endorsement",
  },
  "H-1": {
    name: "H-1",
    template: encodePublicArea({ ...HIGH, ...RSA_2048 }),
    certificateIndex: 0x01c0_0012,
    authorization: "password",
  },
  "H-2": {
    name: "H-2",
    template: encodePublicArea({ ...HIGH, ...P256 }),
    certificateIndex: 0x01c0_0014,
    authorization: "password",
  },
  "H-3": {
    name: "H-3",
    template: encodePublicArea({ ...HIGH_384, ...P384 }),
    certificateIndex: 0x01c0_0016,
    authorization: "password",
  },
};

/** Each kind's template without anything in the place of the key's numbers. */
const SHAPES: ReadonlyMap<string, EkKind> = new Map([
  [shapeOf({ ...LOW, ...RSA_2048 }), EK_KINDS["L-1"]],
  [shapeOf({ ...LOW, ...P256 }), EK_KINDS["L-2"]],
  [shapeOf({ ...HIGH, ...RSA_2048 }), EK_KINDS["H-1"]],
  [shapeOf({ ...HIGH, ...P256 }), EK_KINDS["H-2"]],
  [shapeOf({ ...HIGH_384, ...P384 }), EK_KINDS["H-3"]],
]);

/**
 * The kind of EK that `area` is, or null when it is none: made from one of the templates, only with numbers of its own.
 *
 * Such a key is a restricted storage key that never leaves its TPM and never decrypts for anybody, so that only
 * TPM2_ActivateCredential opens what is wrapped for it. Does not check that it is in a TPM: its certificate says so.
 */
export function ekKindOf(area: PublicArea): EkKind | null {
  return SHAPES.get(shapeOf(area)) ?? null;
}

function shapeOf(area: PublicArea): string {
  const shape = area.type === "rsa" ? { ...area, modulus: NONE } : { ...area, x: NONE, y: NONE };
  return Buffer.from(encodePublicArea(shape)).toString("latin1");
}
