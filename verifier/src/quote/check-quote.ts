// SPDX-License-Identifier: Apache-2.0

import type { ListPcrs, ListPins } from "@nsattest/ns-ima";
import type { Evidence } from "@nsattest/protocol";
import {
  type AttestationKeyLoader,
  type BankSelection,
  type PcrValue,
  rememberAttestationKeys,
  type TpmClock,
  verifyQuote,
} from "@nsattest/tpm";

/** Where the monitor anchors the namespace log. */
export const LOG_PCR = 13;

/** What a quote has to cover: the PCRs of the host list as they are pinned, and that of the log in the same bank. */
export function quotedSelection({ bank, pcrs }: ListPins): BankSelection {
  return { bank, pcrs: [...pcrs, LOG_PCR] };
}

/** Keys that are kept ready; more than that many nodes cost more each, nothing else. */
const KEYS_MAX = 16_384;
/** The keys of all nodes: to make one costs five times as much as to check a quote with it. */
const KEYS = rememberAttestationKeys(KEYS_MAX);

/** What a TPM said about itself over a nonce of ours. */
export interface QuotedState {
  readonly listPcrs: ListPcrs;
  readonly logPcr: Uint8Array;
  readonly clock: TpmClock;
}

/**
 * Checks that the TPM with the pinned key quoted the pinned PCRs and PCR 13 of the pinned bank over the evidence's nonce.
 *
 * Does not check that the nonce is ours (it was redeemed before) nor which boot the quote is from.
 *
 * @throws TpmError as `verifyQuote`
 */
export function checkQuote(
  akPublic: Uint8Array,
  evidence: Evidence,
  pins: ListPins,
  keyOf: AttestationKeyLoader = KEYS,
): QuotedState {
  const { attest, signature, nonce, pcrs } = evidence;
  const selection = [quotedSelection(pins)];
  const quote = verifyQuote({ akPublic, attest, signature, nonce, selection, pcrs }, keyOf);
  const isLog = ({ index }: PcrValue): boolean => index === LOG_PCR;
  const lists = quote.pcrs.filter((pcr) => !isLog(pcr));
  return {
    listPcrs: new Map(lists.map(({ index, value }) => [index, value])),
    // Each selected PCR is there once, else the quote would not have been verified.
    logPcr: new Uint8Array(Buffer.concat(quote.pcrs.filter(isLog).map(({ value }) => value))),
    clock: quote.clock,
  };
}
