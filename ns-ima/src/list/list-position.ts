// SPDX-License-Identifier: Apache-2.0

import { HASH_ALGORITHMS, type HashName } from "@nsattest/tpm";

/**
 * What a bank was extended with: digests of its own hash, or SHA-1 digests with zeros behind them, which prove no more
 * than SHA-1 does.
 */
export type ExtendedForm = "native" | "padded-sha1";

/** Values of the PCRs of a host list, by their number. */
export type ListPcrs = ReadonlyMap<number, Uint8Array>;

/** How far a host list was replayed. */
export interface ListPosition {
  readonly bank: HashName;
  /** Tried out with the first records of a boot; a boot has one. */
  readonly form: ExtendedForm;
  /** Records so far. */
  readonly entries: number;
  /** Bytes of them: where the next evidence has to begin. */
  readonly bytes: number;
  /** Values of the list's PCRs after them. */
  readonly pcrs: ListPcrs;
}

/** True when nothing better than SHA-1 vouches for the list: then contents can be made that replay like others. */
export function isSha1Only({ bank, form }: ListPosition): boolean {
  return bank === "sha1" || form === "padded-sha1";
}

/** Before the first record of a boot: PCRs 0 to 16 are reset to zeros. */
export function listStart(bank: HashName, pcrs: readonly number[]): ListPosition {
  const zero = new Uint8Array(HASH_ALGORITHMS[bank].size);
  const values = new Map(pcrs.map((index) => [index, zero]));
  return { bank, form: "native", entries: 0, bytes: 0, pcrs: values };
}
