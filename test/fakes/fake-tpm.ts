// SPDX-License-Identifier: Apache-2.0

import { constants, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import {
  AK_RSA_2048_TEMPLATE,
  digest,
  encodePublicArea,
  encodeQuoteAttest,
  encodeSignature,
  HASH_ALGORITHMS,
  type HashName,
  orderPcrValues,
  type PcrSelection,
  type PcrValue,
  parsePublicArea,
  pcrDigest,
} from "@nsattest/tpm";
import { ownPublicKey } from "../../tpm/test/own-public-key.ts";

/** An attestation key that is not in any TPM, and looks as if it were. */
export interface FakeKey {
  readonly key: KeyObject;
  /** TPMT_PUBLIC. */
  readonly akPublic: Uint8Array;
}

export interface FakeQuote {
  readonly attest: Uint8Array;
  readonly signature: Uint8Array;
  readonly pcrs: readonly PcrValue[];
}

const BANKS = Object.keys(HASH_ALGORITHMS) as HashName[];
const PCRS = 24;

export function newFakeKey(): FakeKey {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const { n = "" } = ownPublicKey(privateKey).export({ format: "jwk" });
  const template = parsePublicArea(withModulus(AK_RSA_2048_TEMPLATE, Buffer.from(n, "base64url")));
  return { key: privateKey, akPublic: encodePublicArea(template) };
}

/** The AK template ends with an empty modulus. */
function withModulus(template: Uint8Array, modulus: Buffer): Uint8Array {
  const size = Buffer.alloc(2);
  size.writeUInt16BE(modulus.length);
  return Buffer.concat([template.subarray(0, template.length - 2), size, modulus]);
}

/** A TPM as far as a verifier can tell: PCRs that only extend, a clock, and quotes signed for real. */
export class FakeTpm {
  /** What quotes are signed with: a test may exchange it. */
  ak: FakeKey;
  resetCount = 1;
  restartCount = 0;
  clock = 1000;
  #banks = zeroBanks();

  constructor(ak: FakeKey) {
    this.ak = ak;
  }

  /** A bank without a digest is left as it is. */
  extend(index: number, digests: Readonly<Partial<Record<HashName, Uint8Array>>>): void {
    for (const bank of BANKS) {
      const extended = digests[bank];
      if (extended)
        this.#banks.get(bank)?.splice(index, 1, digest(bank, this.pcr(index, bank), extended));
    }
  }

  /** Gives a PCR of the SHA-256 bank any value: what a TPM that is no TPM can do. */
  set(index: number, value: Uint8Array): void {
    this.#banks.get("sha256")?.splice(index, 1, value);
  }

  pcr(index: number, bank: HashName = "sha256"): Uint8Array {
    const value = this.#banks.get(bank)?.[index];
    if (!value) throw new Error(`no PCR ${index}`);
    return value;
  }

  /** Signs anything: a real TPM's restricted key does not. `hash` is what the signature says it was made with. */
  sign(message: Uint8Array, hash: HashName = "sha256"): Uint8Array {
    const rsa = { key: this.ak.key, padding: constants.RSA_PKCS1_PADDING };
    const value = sign(HASH_ALGORITHMS[hash].node, message, rsa);
    return encodeSignature({ scheme: "rsassa", hash, value });
  }

  quote(nonce: Uint8Array, selection: PcrSelection): FakeQuote {
    this.clock += 10;
    const values = selection.flatMap(({ bank, pcrs }) =>
      pcrs.map((index) => ({ bank, index, value: this.pcr(index, bank) })),
    );
    const pcrs = orderPcrValues(selection, values);
    const { clock, resetCount, restartCount } = this;
    const attest = encodeQuoteAttest({
      qualifiedSigner: new Uint8Array(34),
      nonce,
      clock: { clock, resetCount, restartCount, safe: true },
      firmwareVersion: "0000000000000001",
      selection,
      pcrDigest: pcrDigest("sha256", pcrs),
    });
    return { attest, signature: this.sign(attest), pcrs };
  }

  /** Power off and on. */
  reset(): void {
    this.resetCount++;
    this.restartCount = 0;
    this.#banks = zeroBanks();
  }

  /** Suspend to disk: PCRs are gone, but the TPM does not call it a reset. */
  sleep(): void {
    this.restartCount++;
    this.#banks = zeroBanks();
  }
}

function zeroBanks(): ReadonlyMap<HashName, Uint8Array[]> {
  const zeros = (bank: HashName): Uint8Array[] =>
    Array.from({ length: PCRS }, () => new Uint8Array(HASH_ALGORITHMS[bank].size));
  return new Map(BANKS.map((bank) => [bank, zeros(bank)]));
}
