// SPDX-License-Identifier: Apache-2.0

import {
  EMPTY_LOG,
  initialReplayState,
  type ListEntry,
  type NamespaceEvent,
  type NamespaceLogState,
  NsImaError,
  parseMeasurementList,
  type ReplayState,
  replayList,
  replayLog,
} from "@nsattest/ns-ima";
import { decodeEvent, type Evidence } from "@nsattest/protocol";
import { VerifierError } from "../error.ts";
import type { QuotedState } from "../quote/check-quote.ts";

/** How far list and log of one boot were replayed. */
export interface Replayed {
  readonly list: ReplayState & { readonly entries: number; readonly bytes: number };
  readonly log: NamespaceLogState;
}

/** Before the first evidence of a boot. */
export const NOTHING_REPLAYED: Replayed = {
  list: { ...initialReplayState(), entries: 0, bytes: 0 },
  log: EMPTY_LOG,
};

/** What evidence added, all of it proven by the quote. */
export interface Authentic {
  readonly after: Replayed;
  readonly entries: readonly ListEntry[];
  readonly events: readonly NamespaceEvent[];
}

/**
 * Replays what the evidence adds to list and log up to the quoted PCRs. Of the list a prefix may be left over: those
 * records were not extended when the TPM quoted, and are to be sent again. Of the log nothing may.
 *
 * @throws VerifierError `EVIDENCE_OFFSET`, `ANCHOR_FOREIGN_EXTEND`; NsImaError as `parseMeasurementList`, `replayList`
 *   and `replayLog`; ProtocolError as `decodeEvent`
 */
export function replayEvidence(
  before: Replayed,
  evidence: Evidence,
  quoted: QuotedState,
): Authentic {
  checkOffsets(before, evidence);
  const { entries, bytes, ...state } = before.list;
  const parsed = parseMeasurementList(evidence.list, { firstIndex: entries });
  const { matched, state: list } = replayList(state, parsed.entries, quoted.listPcr);
  const proven = parsed.entries.slice(0, matched);
  const log = replayAnchoredLog(before.log, evidence, quoted.logPcr);
  return {
    after: {
      list: { ...list, entries: entries + matched, bytes: bytes + (proven.at(-1)?.end ?? 0) },
      log: log.state,
    },
    entries: proven,
    events: log.events,
  };
}

function checkOffsets({ list, log }: Replayed, { listOffset, logOffset }: Evidence): void {
  if (listOffset !== list.bytes || logOffset !== log.batches) {
    throw new VerifierError(
      "EVIDENCE_OFFSET",
      `expected the list from ${list.bytes} and the log from ${log.batches}, not ${listOffset} and ${logOffset}`,
    );
  }
}

function replayAnchoredLog(
  before: NamespaceLogState,
  { batches }: Evidence,
  logPcr: Uint8Array,
): ReturnType<typeof replayLog> {
  try {
    return replayLog(before, batches, decodeEvent, logPcr);
  } catch (cause) {
    if (cause instanceof NsImaError && cause.code === "LOG_REPLAY_MISMATCH") {
      throw new VerifierError("ANCHOR_FOREIGN_EXTEND", cause.message, { cause });
    }
    throw cause;
  }
}
