// SPDX-License-Identifier: Apache-2.0

import {
  ContentCache,
  type EntryContent,
  emptyLog,
  initialListState,
  type ListPins,
  type ListState,
  type NamespaceEvent,
  type NamespaceLogState,
  NsImaError,
  replayList,
  replayLog,
} from "@nsattest/ns-ima";
import { decodeEvent, type Evidence } from "@nsattest/protocol";
import { VerifierError } from "../error.ts";
import type { QuotedState } from "../quote/check-quote.ts";

/** How far list and log of one boot were replayed. */
export interface Replayed {
  readonly list: ListState;
  readonly log: NamespaceLogState;
}

/** Before the first evidence of a boot. */
export function nothingReplayed(pins: ListPins): Replayed {
  return { list: initialListState(pins), log: emptyLog(pins.bank) };
}

/** What evidence added, all of it proven by the quote. */
export interface Authentic {
  readonly after: Replayed;
  readonly entries: readonly EntryContent[];
  readonly events: readonly NamespaceEvent[];
}

/** The contents of all nodes: most of them run the same files. */
const CONTENTS = new ContentCache();

/**
 * Replays what the evidence adds to list and log up to the quoted PCRs. Of the list a prefix may be left over: those
 * records were not extended when the TPM quoted, and are to be sent again. Of the log nothing may.
 *
 * @throws VerifierError `EVIDENCE_OFFSET`, `ANCHOR_FOREIGN_EXTEND`; NsImaError as `replayList` and `replayLog`;
 *   ProtocolError as `decodeEvent`
 */
export function replayEvidence(
  before: Replayed,
  evidence: Evidence,
  quoted: QuotedState,
  contents: ContentCache = CONTENTS,
): Authentic {
  checkOffsets(before, evidence);
  const list = replayList(before.list, evidence.list, quoted.listPcrs, contents);
  const log = replayAnchoredLog(before.log, evidence, quoted.logPcr);
  return {
    after: { list: list.state, log: log.state },
    entries: list.contents,
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
