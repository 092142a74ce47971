// SPDX-License-Identifier: Apache-2.0

import { HASH_ALGORITHMS, type HashName } from "@nsattest/tpm";
import { NsImaError } from "../error.ts";
import { extendAnchor } from "./anchor.ts";
import type { BootEvent, LogBatch, LogRecord, NamespaceEvent, NamespaceId } from "./event.ts";
import { LayeredMap, type MapDraft } from "./layered-map.ts";

/** Parses the bytes of one event and throws for what is none: protocol's `decodeEvent`. */
export type EventDecoder = (bytes: Uint8Array) => NamespaceEvent;

/** Where the replay of one log stands. A value: replaying makes the next one. */
export interface NamespaceLogState {
  /** The bank that is replayed; all are extended. */
  readonly bank: HashName;
  /** The anchor PCR after all batches so far. */
  readonly pcr: Uint8Array;
  /** Batches so far: the offset at which the next evidence has to begin. */
  readonly batches: number;
  /** Null before the first batch. */
  readonly boot: BootEvent | null;
  /** Whose a tag (one character a byte) is. */
  readonly tags: LayeredMap<string, NamespaceId>;
  readonly namespaces: LayeredMap<NamespaceId, true>;
}

/** A log of which nothing is known: the anchor PCR has its reset value. */
export function emptyLog(bank: HashName): NamespaceLogState {
  return {
    bank,
    pcr: new Uint8Array(HASH_ALGORITHMS[bank].size),
    batches: 0,
    boot: null,
    tags: new LayeredMap<string, NamespaceId>(),
    namespaces: new LayeredMap<NamespaceId, true>(),
  };
}

/** The same for the bank that is quoted unless a verifier pins another one. */
export const EMPTY_LOG: NamespaceLogState = Object.freeze(emptyLog("sha256"));

export interface ReplayedLog {
  readonly state: NamespaceLogState;
  /** Events of the new batches in order; they share no memory with the batches. */
  readonly events: readonly NamespaceEvent[];
}

/**
 * Replays `batches` after `state` and checks that they lead exactly to `quotedPcr`, that the log begins with its only
 * `boot` event over a PCR of zeros, that every record carries the tag of its event's namespace, that no tag is used for
 * two namespaces, and that nothing stands in a namespace before its `ns-open`, of which there is one.
 *
 * Does not check that `quotedPcr` is from a verified quote, which boot it belongs to, nor what the events say; events
 * after `ns-close` are let pass, for they only add. Nothing is changed when it throws.
 *
 * @throws NsImaError `LOG_REPLAY_MISMATCH`, `ANCHOR_BASELINE`, `LOG_BOOT`, `LOG_TAG_REUSED`, `LOG_TAG_FOREIGN`,
 *   `LOG_NAMESPACE_UNKNOWN`, `LOG_NAMESPACE_REOPENED`, `LOG_BATCH_EMPTY`, `LOG_RECORD`; and what `decodeEvent` throws
 */
export function replayLog(
  state: NamespaceLogState,
  batches: readonly LogBatch[],
  decodeEvent: EventDecoder,
  quotedPcr: Uint8Array,
): ReplayedLog {
  const pcr = batches.reduce((value, batch) => extendAnchor(value, batch, state.bank), state.pcr);
  if (Buffer.compare(pcr, quotedPcr) !== 0) {
    throw confessesBaseline(state, batches, decodeEvent)
      ? baselineError()
      : new NsImaError("LOG_REPLAY_MISMATCH", "the batches do not lead to the quoted anchor PCR");
  }
  const reader = new LogReader(state);
  const events = batches.flat().map((record) => reader.read(record, decodeEvent));
  if (reader.boot === null) throw new NsImaError("LOG_BOOT", "a log without a boot event");
  return { state: { ...state, ...reader.seal(pcr, state.batches + batches.length) }, events };
}

class LogReader {
  boot: BootEvent | null;
  readonly #tags: MapDraft<string, NamespaceId>;
  readonly #namespaces: MapDraft<NamespaceId, true>;

  constructor(state: NamespaceLogState) {
    this.boot = state.boot;
    this.#tags = state.tags.draft();
    this.#namespaces = state.namespaces.draft();
  }

  read(record: LogRecord, decodeEvent: EventDecoder): NamespaceEvent {
    // A copy, so that an event that is kept does not keep the whole evidence.
    const event = decodeEvent(new Uint8Array(record.event));
    if ((event.kind === "boot") !== (this.boot === null)) {
      throw new NsImaError("LOG_BOOT", "one boot event, and nothing before it");
    }
    if (event.kind === "boot") {
      if (!isZero(event.baseline)) throw baselineError();
      this.boot = event;
    }
    if (event.kind === "boot" || event.kind === "ns-open") this.#open(event.ns, event.tag);
    this.#checkTag(event.ns, record.tag);
    return event;
  }

  seal(pcr: Uint8Array, batches: number): Omit<NamespaceLogState, "bank"> {
    const tags = this.#tags.seal();
    return { pcr, batches, boot: this.boot, tags, namespaces: this.#namespaces.seal() };
  }

  #open(ns: NamespaceId, tag: Uint8Array): void {
    if (this.#namespaces.has(ns)) {
      throw new NsImaError("LOG_NAMESPACE_REOPENED", `${ns} was opened before`);
    }
    const key = keyOf(tag);
    const owner = this.#tags.get(key);
    if (owner !== undefined) {
      throw new NsImaError("LOG_TAG_REUSED", `the tag of ${ns} is that of ${owner}`);
    }
    this.#tags.set(key, ns);
    this.#namespaces.set(ns, true);
  }

  #checkTag(ns: NamespaceId, tag: Uint8Array): void {
    if (!this.#namespaces.has(ns)) {
      throw new NsImaError("LOG_NAMESPACE_UNKNOWN", `${ns} was not opened`);
    }
    if (this.#tags.get(keyOf(tag)) !== ns) {
      throw new NsImaError("LOG_TAG_FOREIGN", `a record of ${ns} has another tag`);
    }
  }
}

/** True when a log that does not replay from zeros says itself that it began elsewhere: a reason, not a proof. */
function confessesBaseline(
  state: NamespaceLogState,
  batches: readonly LogBatch[],
  decodeEvent: EventDecoder,
): boolean {
  const first = state.boot === null ? batches[0]?.[0] : undefined;
  if (!first) return false;
  try {
    const event = decodeEvent(first.event);
    return event.kind === "boot" && !isZero(event.baseline);
  } catch {
    // Nobody vouched for these bytes; that they do not replay is all there is to say.
    return false;
  }
}

function baselineError(): NsImaError {
  return new NsImaError("ANCHOR_BASELINE", "the anchor PCR was not zero before the first event");
}

function isZero(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0);
}

function keyOf({ buffer, byteOffset, length }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, length).toString("latin1");
}
