// SPDX-License-Identifier: Apache-2.0

import type { ListPcrs, ListPins } from "@nsattest/ns-ima";
import type { Evidence } from "@nsattest/protocol";
import {
  type AttestationKeyLoader,
  type BankSelection,
  BOOT_PCRS,
  type PcrValue,
  rememberAttestationKeys,
  type TpmClock,
  verifyQuote,
} from "@nsattest/tpm";

/** Where the monitor anchors the namespace log. */
export const LOG_PCR = 13;

/**
 * What a quote has to cover: the PCRs of the host list as they are pinned, and that of the log in the same bank.
 *
 * @param withBoot where a reference is pinned for what was booted, its PCRs too
 */
export function quotedSelection({ bank, pcrs }: ListPins, withBoot: boolean): BankSelection {
  return { bank, pcrs: [...(withBoot ? BOOT_PCRS : []), ...pcrs, LOG_PCR] };
}

/** Keys that are kept ready; more than that many nodes cost more each, nothing else. */
const KEYS_MAX = 16_384;
/** The keys of all nodes: to make one costs five times as much as to check a quote with it. */
const KEYS = rememberAttestationKeys(KEYS_MAX);

/** What a TPM said about itself over a nonce of ours. */
export interface QuotedState {
  readonly listPcrs: ListPcrs;
  readonly logPcr: Uint8Array;
  /** Empty where they were not asked for. */
  readonly bootPcrs: ReadonlyMap<number, Uint8Array>;
  readonly clock: TpmClock;
}

/**
 * Checks that the TPM with the pinned key quoted the pinned PCRs and PCR 13 of the pinned bank over the evidence's nonce, and
 * with `withBoot` those of the boot.
 *
 * Does not check that the nonce is ours (it was redeemed before) nor which boot the quote is from.
 *
 * @throws TpmError as `verifyQuote`
 */
export function checkQuote(
  akPublic: Uint8Array,
  evidence: Evidence,
  pins: ListPins,
  withBoot: boolean,
  keyOf: AttestationKeyLoader = KEYS,
): QuotedState {
  const { attest, signature, nonce, pcrs } = evidence;
  const selection = [quotedSelection(pins, withBoot)];
  const quote = verifyQuote({ akPublic, attest, signature, nonce, selection, pcrs }, keyOf);
  const isLog = ({ index }: PcrValue): boolean => index === LOG_PCR;
  const valuesOf = (indices: readonly number[]): ReadonlyMap<number, Uint8Array> =>
    new Map(
      quote.pcrs
        .filter(({ index }) => indices.includes(index))
        .map(({ index, value }) => [index, value]),
    );
  return {
    listPcrs: valuesOf(pins.pcrs),
    // Each selected PCR is there once, else the quote would not have been verified.
    logPcr: new Uint8Array(Buffer.concat(quote.pcrs.filter(isLog).map(({ value }) => value))),
    bootPcrs: valuesOf(withBoot ? BOOT_PCRS : []),
    clock: quote.clock,
  };
}
