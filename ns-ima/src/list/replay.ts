// SPDX-License-Identifier: Apache-2.0

import { Buffer } from "node:buffer";
import { NsImaError } from "../error.ts";
import { digestOf } from "./digest.ts";
import { IMA_PCR, type ListEntry } from "./entry.ts";

const SIZE = 32;
/** What a violation extends instead of a digest (ima_queue.c, ima_add_template_entry). */
const VIOLATION = new Uint8Array(SIZE).fill(0xff);

/** How far a host list was replayed. */
export interface ReplayState {
  /** Value of PCR 10 (SHA-256 bank) after the records replayed so far. */
  readonly pcr: Uint8Array;
}

export interface ReplayResult {
  /** Number of entries, from the start, that the quoted value proves. The others are pending: no proof, no fault. */
  readonly matched: number;
  readonly state: ReplayState;
}

/** Before the first record of a boot: PCR 10 is reset to zeros. */
export function initialReplayState(): ReplayState {
  return { pcr: new Uint8Array(SIZE) };
}

/**
 * Finds the prefix of `entries` that leads PCR 10 from `state` to the quoted value. The kernel appends before it
 * extends and the list is read after the quote, so the list may be longer than the quote proves, never shorter.
 *
 * With no entries the quoted value must be the state's own. `quotedPcr10` must come out of a verified quote, and the
 * entries must follow those that led to `state`; neither is checked here. `state` is not changed.
 *
 * @throws NsImaError `LIST_REPLAY_MISMATCH` when no prefix fits, `LIST_PCR_UNSUPPORTED` when a record of another PCR
 *   comes before one does
 */
export function replayList(
  state: ReplayState,
  entries: readonly ListEntry[],
  quotedPcr10: Uint8Array,
): ReplayResult {
  let pcr = state.pcr;
  for (let matched = 0; ; matched++) {
    if (Buffer.compare(pcr, quotedPcr10) === 0) {
      // A copy: the state outlives this call, and a digest shares its memory with others.
      return { matched, state: { pcr: Uint8Array.from(pcr) } };
    }
    const entry = entries[matched];
    if (entry === undefined) {
      throw new NsImaError(
        "LIST_REPLAY_MISMATCH",
        `no prefix of the ${entries.length} new records leads to the quoted PCR ${IMA_PCR}`,
      );
    }
    if (entry.pcr !== IMA_PCR) {
      throw new NsImaError(
        "LIST_PCR_UNSUPPORTED",
        `new record ${matched} is of PCR ${entry.pcr}; only PCR ${IMA_PCR} is replayed`,
      );
    }
    pcr = extendListPcr(pcr, entry);
  }
}

/** Value of PCR 10 (SHA-256 bank) once the kernel has extended it with `entry`, a record of that PCR. */
export function extendListPcr(
  pcr: Uint8Array,
  { violation, templateDigest }: Pick<ListEntry, "violation" | "templateDigest">,
): Uint8Array {
  const extend = new Uint8Array(2 * SIZE);
  extend.set(pcr);
  extend.set(violation ? VIOLATION : templateDigest, SIZE);
  return digestOf("sha256", extend);
}
