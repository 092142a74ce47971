// SPDX-License-Identifier: Apache-2.0

import {
  constants,
  createDecipheriv,
  createHmac,
  generateKeyPairSync,
  type KeyObject,
  privateDecrypt,
} from "node:crypto";
import {
  AK_RSA_2048_TEMPLATE,
  ByteReader,
  ByteWriter,
  EK_RSA_2048_TEMPLATE,
  encodePublicArea,
  type PublicArea,
  parsePublicArea,
  publicAreaName,
} from "@nsattest/tpm";
import { ownPublicKey } from "../../tpm/test/own-public-key.ts";

/** An endorsement and an attestation key, and the one TPM command that enrolment needs, with real cryptography. */
export interface FakeTpm {
  readonly ekKey: KeyObject;
  /** TPMT_PUBLIC. */
  readonly ekPublic: Uint8Array;
  /** TPMT_PUBLIC. */
  readonly akPublic: Uint8Array;
  /** TPM2_ActivateCredential (TPM 2.0 part 1, 24); throws when the credential is for another EK or AK. */
  readonly activate: (wrapped: {
    readonly credentialBlob: Uint8Array;
    readonly secret: Uint8Array;
  }) => Uint8Array;
}

export interface FakeTpmOptions {
  /** A TPM keeps its EK when it makes another AK. */
  readonly ekKey?: KeyObject;
  readonly changeAk?: (area: PublicArea) => PublicArea;
}

export function makeFakeTpm(options: FakeTpmOptions = {}): FakeTpm {
  const { ekKey = makeRsaKey(), changeAk = (area) => area } = options;
  const ak = withModulus(EMPTY_AK, makeRsaKey());
  const akPublic = encodePublicArea(changeAk(ak));
  return {
    ekKey,
    ekPublic: encodePublicArea(withModulus(parsePublicArea(EK_RSA_2048_TEMPLATE), ekKey)),
    akPublic,
    activate: ({ credentialBlob, secret }) => {
      const seed = privateDecrypt(
        {
          key: ekKey,
          padding: constants.RSA_PKCS1_OAEP_PADDING,
          oaepHash: "sha256",
          oaepLabel: Buffer.from("IDENTITY\0"),
        },
        secret,
      );
      return open(credentialBlob, seed, publicAreaName(akPublic));
    },
  };
}

export function makeRsaKey(): KeyObject {
  return generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;
}

// The template has no modulus, which no parser takes for a key.
const EMPTY_AK = parsePublicArea(
  new ByteWriter()
    .bytes(new ByteReader(AK_RSA_2048_TEMPLATE).bytes(AK_RSA_2048_TEMPLATE.length - 2))
    .tpm2b(new Uint8Array(256))
    .finish(),
);

function withModulus(area: PublicArea, key: KeyObject): PublicArea {
  if (area.type !== "rsa") throw new Error("not an RSA template");
  const { n = "" } = ownPublicKey(key).export({ format: "jwk" });
  return { ...area, modulus: new Uint8Array(Buffer.from(n, "base64url")) };
}

function open(blob: Uint8Array, seed: Uint8Array, akName: Uint8Array): Uint8Array {
  const reader = new ByteReader(blob);
  const integrity = reader.tpm2b();
  const identity = reader.rest;
  const mac = createHmac("sha256", kdfa(seed, "INTEGRITY\0", new Uint8Array(0), 256));
  if (!mac.update(identity).update(akName).digest().equals(integrity)) {
    throw new Error("TPM_RC_INTEGRITY");
  }
  const key = kdfa(seed, "STORAGE\0", akName, 128);
  const cipher = createDecipheriv("aes-128-cfb", key, new Uint8Array(16));
  return new ByteReader(cipher.update(identity)).tpm2b();
}

function kdfa(seed: Uint8Array, label: string, context: Uint8Array, bits: number): Uint8Array {
  const input = new ByteWriter().u32(1).bytes(Buffer.from(label)).bytes(context).u32(bits).finish();
  return new ByteReader(createHmac("sha256", seed).update(input).digest()).bytes(bits / 8);
}
