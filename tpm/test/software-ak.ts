// SPDX-License-Identifier: Apache-2.0

import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { encodeQuoteAttest, type QuoteAttest } from "../src/attest.ts";
import { orderPcrValues, type PcrSelection, type PcrValue, pcrDigest } from "../src/pcr.ts";
import {
  type EccPublicArea,
  encodePublicArea,
  type PublicArea,
  type RsaPublicArea,
  type SchemeName,
} from "../src/public-area.ts";
import { encodeSignature } from "../src/signature.ts";
import { ownPublicKey } from "./own-public-key.ts";

/** An attestation key outside any TPM, which therefore signs whatever a test wants signed. */
export interface SoftwareAk {
  readonly area: PublicArea;
  /** TPMT_PUBLIC. */
  readonly publicArea: Uint8Array;
  /** TPMT_SIGNATURE over `message`. */
  sign(message: Uint8Array): Uint8Array;
}

/** What a quote is of, and what of it a lying TPM says otherwise. */
export interface QuoteContent {
  readonly nonce: Uint8Array;
  readonly selection: PcrSelection;
  readonly pcrs: readonly PcrValue[];
  readonly changes?: Partial<QuoteAttest>;
}

export function makeRsaAk(changes: Partial<RsaPublicArea> = {}): SoftwareAk {
  const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const modulus = jwkBytes(publicKey, "n");
  const area: PublicArea = {
    type: "rsa",
    bits: 2048,
    ...common("rsassa"),
    exponent: 0,
    modulus,
    ...changes,
  };
  return {
    area,
    publicArea: encodePublicArea(area),
    sign: (message) => {
      const value = new Uint8Array(sign("sha256", message, privateKey));
      return encodeSignature({ scheme: "rsassa", hash: "sha256", value });
    },
  };
}

export function makeEccAk(changes: Partial<EccPublicArea> = {}): SoftwareAk {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const point = { x: jwkBytes(publicKey, "x"), y: jwkBytes(publicKey, "y") };
  const area: PublicArea = {
    type: "ecc",
    curve: "p256",
    ...common("ecdsa"),
    ...point,
    ...changes,
  };
  return {
    area,
    publicArea: encodePublicArea(area),
    sign: (message) => {
      const key = { key: privateKey, dsaEncoding: "ieee-p1363" } as const;
      const pair = new Uint8Array(sign("sha256", message, key));
      const [r, s] = [pair.slice(0, 32), pair.slice(32)];
      return encodeSignature({ scheme: "ecdsa", hash: "sha256", r, s });
    },
  };
}

/** TPMS_ATTEST as a TPM with these PCRs would make it, but for `changes`. */
export function attestOf({ nonce, selection, pcrs, changes }: QuoteContent): Uint8Array {
  return encodeQuoteAttest({
    qualifiedSigner: new Uint8Array(34),
    nonce,
    clock: { clock: 843_231, resetCount: 4, restartCount: 0, safe: true },
    firmwareVersion: "2019102300163636",
    selection,
    pcrDigest: pcrDigest("sha256", orderPcrValues(selection, pcrs)),
    ...changes,
  });
}

function common(name: SchemeName) {
  return {
    nameAlg: "sha256",
    attributes: 0x0005_0072,
    authPolicy: new Uint8Array(0),
    symmetricBits: 0,
    scheme: { name, hash: "sha256" },
  } as const;
}

function jwkBytes(key: KeyObject, member: "n" | "x" | "y"): Uint8Array {
  return new Uint8Array(
    Buffer.from(ownPublicKey(key).export({ format: "jwk" })[member] ?? "", "base64url"),
  );
}
