// SPDX-License-Identifier: Apache-2.0

import { timingSafeEqual } from "node:crypto";
import { parseQuoteAttest, type TpmClock } from "./attest.ts";
import { type AttestationKeyLoader, loadAttestationKey } from "./attestation-key.ts";
import { TpmError } from "./error.ts";
import {
  orderPcrValues,
  type PcrSelection,
  type PcrValue,
  pcrDigest,
  samePcrSelection,
} from "./pcr.ts";
import { isSignatureOf, parseSignature } from "./signature.ts";

const VERIFIED: unique symbol = Symbol("verified quote");

/** Shorter nonces could be guessed and quoted ahead of time. */
const MIN_NONCE_SIZE = 16;

export interface QuoteInput {
  /** TPMT_PUBLIC of the key that must have signed: pinned by the caller, never taken from the quote's sender. */
  readonly akPublic: Uint8Array;
  /** TPMS_ATTEST. */
  readonly attest: Uint8Array;
  /** TPMT_SIGNATURE. */
  readonly signature: Uint8Array;
  /** What the caller sent with the challenge, at least 16 bytes. */
  readonly nonce: Uint8Array;
  /** What the caller asked for: at least one PCR. */
  readonly selection: PcrSelection;
  /** Values claimed for exactly the PCRs of `selection`, in any order. */
  readonly pcrs: readonly PcrValue[];
}

/** A quote that was verified. Only {@link verifyQuote} makes one, from copies of what it was given. */
export interface VerifiedQuote {
  readonly [VERIFIED]: true;
  /** Values of the selected PCRs when the TPM signed. */
  readonly pcrs: readonly PcrValue[];
  readonly clock: TpmClock;
  /** 16 hexadecimal digits, as the vendor defines them. */
  readonly firmwareVersion: string;
}

/**
 * Checks that the TPM that holds `akPublic` signed, over `nonce`, exactly the PCRs of `selection`, and that they had
 * the values `pcrs`.
 *
 * Does not check that `akPublic` belongs to a real TPM (credential activation and the EK certificate do), nor that the
 * values are good ones (replay does), nor that `clock` fits earlier quotes.
 *
 * @param keyOf gives the key: `rememberAttestationKeys` for whoever checks many quotes of few keys
 * @throws TpmError and nothing else:
 *   - `QUOTE_NONCE`: another nonce was signed, or `nonce` is too short to prove anything
 *   - `QUOTE_SELECTION`: other PCRs were signed (a TPM leaves out banks it does not have), or none were asked for
 *   - `PCR_VALUES`: `pcrs` is not one value for each selected PCR
 *   - `QUOTE_PCR_DIGEST`: the PCRs had other values
 *   - `QUOTE_SIGNATURE`: not signed by this key, in its scheme
 *   - `ATTEST_MAGIC`, `ATTEST_TYPE`: signed, but not a quote
 *   - `AK_ATTRIBUTES`, `KEY_INVALID`, `PUBLIC_AREA`: the key cannot vouch for anything
 *   - `BYTES_*`, `HASH_UNKNOWN`, `PCR_SELECTION`, `SIGNATURE_MALFORMED`: bytes that are no such structure
 */
export function verifyQuote(
  input: QuoteInput,
  keyOf: AttestationKeyLoader = loadAttestationKey,
): VerifiedQuote {
  const { area, key } = keyOf(input.akPublic);
  // The signature comes first: nothing is read from bytes that nobody vouches for.
  if (!isSignatureOf(area, input.attest, parseSignature(input.signature), key)) {
    throw new TpmError("QUOTE_SIGNATURE", "not signed by this attestation key");
  }
  const attest = parseQuoteAttest(input.attest);
  checkNonce(attest.nonce, input.nonce);
  checkSelection(attest.selection, input.selection);
  const ordered = orderPcrValues(input.selection, input.pcrs);
  if (!equal(attest.pcrDigest, pcrDigest(area.scheme.hash, ordered))) {
    throw new TpmError("QUOTE_PCR_DIGEST", "the quoted PCRs had other values");
  }
  return Object.freeze({
    [VERIFIED]: true as const,
    pcrs: ordered.map(({ bank, index, value }) => ({ bank, index, value: value.slice() })),
    clock: attest.clock,
    firmwareVersion: attest.firmwareVersion,
  });
}

function checkNonce(quoted: Uint8Array, expected: Uint8Array): void {
  if (expected.length < MIN_NONCE_SIZE) {
    throw new TpmError("QUOTE_NONCE", `a nonce of ${expected.length} bytes proves nothing`);
  }
  if (!equal(quoted, expected)) throw new TpmError("QUOTE_NONCE", "another nonce was quoted");
}

function checkSelection(quoted: PcrSelection, asked: PcrSelection): void {
  if (!asked.some(({ pcrs }) => pcrs.length > 0)) {
    throw new TpmError("QUOTE_SELECTION", "a quote of no PCR proves nothing");
  }
  if (!samePcrSelection(quoted, asked)) {
    throw new TpmError("QUOTE_SELECTION", "other PCRs were quoted than asked for");
  }
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}
