// SPDX-License-Identifier: Apache-2.0

import type { Evidence } from "@nsattest/protocol";
import { type PcrSelection, type PcrValue, type TpmClock, verifyQuote } from "@nsattest/tpm";

/** The bank that is replayed. */
export const QUOTED_BANK = "sha256";
/** Where IMA extends the host list. */
export const LIST_PCR = 10;
/** Where the monitor anchors the namespace log. */
export const LOG_PCR = 13;

/** What every quote has to cover. Nothing that a node sends has a say in it. */
const SELECTION: PcrSelection = [{ bank: QUOTED_BANK, pcrs: [LIST_PCR, LOG_PCR] }];

/** What a TPM said about itself over a nonce of ours. */
export interface QuotedState {
  readonly listPcr: Uint8Array;
  readonly logPcr: Uint8Array;
  readonly clock: TpmClock;
}

/**
 * Checks that the TPM with the pinned key quoted PCR 10 and 13 of the SHA-256 bank over the evidence's nonce.
 *
 * Does not check that the nonce is ours (it was redeemed before) nor which boot the quote is from.
 *
 * @throws TpmError as `verifyQuote`
 */
export function checkQuote(akPublic: Uint8Array, evidence: Evidence): QuotedState {
  const { attest, signature, nonce, pcrs } = evidence;
  const quote = verifyQuote({ akPublic, attest, signature, nonce, selection: SELECTION, pcrs });
  return {
    listPcr: pcrValue(quote.pcrs, LIST_PCR),
    logPcr: pcrValue(quote.pcrs, LOG_PCR),
    clock: quote.clock,
  };
}

/** The value of the one PCR with this index: each selected PCR is there, else the quote would not have been verified. */
function pcrValue(pcrs: readonly PcrValue[], index: number): Uint8Array {
  const values = pcrs.filter((pcr) => pcr.index === index).map(({ value }) => value);
  return new Uint8Array(Buffer.concat(values));
}
