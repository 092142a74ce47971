// SPDX-License-Identifier: Apache-2.0

import { HASH_ALGORITHMS } from "@nsattest/tpm";
import { NsImaError } from "../error.ts";
import { CACHED_DATA_MAX } from "../limits.ts";
import type { ContentCache } from "./content-cache.ts";
import { latin1DigestOf } from "./digest.ts";
import type { EntryContent } from "./entry.ts";
import { readContent } from "./entry-content.ts";
import type { ListPins } from "./list-pins.ts";
import { type ExtendedForm, type ListPcrs, type ListPosition, listStart } from "./list-position.ts";
import { mismatch } from "./mismatch.ts";
import { latin1Buffer, PcrChain, wordsOf } from "./pcr-chain.ts";
import { RecordReader } from "./record-reader.ts";

/** How far a host list was replayed, and under which pins. A value: replaying makes the next one. */
export interface ListState extends ListPosition {
  /** A state is of its pins: with others the list has to be replayed from its beginning. */
  readonly pins: ListPins;
}

export interface ReplayedList {
  readonly state: ListState;
  /**
   * What the quoted values prove, in the order of the list. The records behind it are pending: no proof, no fault, and
   * nobody has looked at them.
   */
  readonly contents: readonly EntryContent[];
}

/** Before the first record of a boot. */
export function initialListState(pins: ListPins): ListState {
  return { ...listStart(pins.bank, pins.pcrs), pins };
}

/**
 * Replays the records in `bytes` (`binary_runtime_measurements` from `state.bytes` on) up to where all pinned PCRs have
 * their quoted values at once. The kernel appends before it extends and the list is read after the quote, so the list
 * may be longer than the quote proves, never shorter. Without a record the quoted values must be the state's own.
 *
 * The list's own column of digests is read for one thing: zeros are a violation. It is compared with the data only to
 * say what is wrong with a list that does not replay.
 *
 * Does not check that `quoted` is from a verified quote, nor that the bytes follow those that led to `state`. `state` is
 * not changed.
 *
 * @throws NsImaError `LIST_PCR_UNSUPPORTED` for a record of a PCR that is not pinned; `LIST_PCR`, `LIST_BIG_ENDIAN`,
 *   `LIST_LIMIT`, `LIST_TEMPLATE_UNSUPPORTED`, `LIST_TEMPLATE_FIELDS` for one that is none; when no prefix fits,
 *   `LIST_HEAD_MISSING`, `LIST_SHRANK`, `LIST_TEMPLATE_DIGEST`, `LIST_REPLAY_MISMATCH`
 */
export function replayList(
  state: ListState,
  bytes: Uint8Array,
  quoted: ListPcrs,
  cache: ContentCache,
): ReplayedList {
  const replayed = replayForm(state, bytes, quoted, cache, state.form);
  if (replayed) return replayed;
  // A boot has one form: it is tried out once.
  if (state.pins.paddedSha1 && state.entries === 0) {
    const padded = replayForm(state, bytes, quoted, cache, "padded-sha1");
    if (padded) return padded;
  }
  throw mismatch(state, bytes);
}

/** A pinned PCR on its way to the quoted value. */
interface Way {
  readonly chain: PcrChain;
  readonly quoted: Uint32Array;
  arrived: boolean;
}

function replayForm(
  state: ListState,
  bytes: Uint8Array,
  quoted: ListPcrs,
  cache: ContentCache,
  form: ExtendedForm,
): ReplayedList | null {
  const { pins } = state;
  const ways = new Map(
    [...state.pcrs].map(([index, value]) => [index, wayOf(pins, index, value, quoted.get(index))]),
  );
  const bankHash = form === "native" ? pins.bank : "sha1";
  const reader = new RecordReader(bytes, {
    templates: pins.templates,
    firstIndex: state.entries,
    column: "sha1",
  });
  const key = latin1Buffer(32);
  const keyWords = wordsOf(key);
  const contents: EntryContent[] = [];
  let missing = [...ways.values()].filter(({ arrived }) => !arrived).length;
  while (missing > 0) {
    if (!reader.next()) return null;
    const way = ways.get(reader.pcr);
    if (way === undefined) throw unpinned(reader, pins);
    if (way.arrived) missing++;
    if (reader.violation) {
      way.chain.extendViolation();
      contents.push(readContent(reader, ""));
    } else {
      const digest = latin1DigestOf("sha256", reader.hashed);
      way.chain.extend(bankHash === "sha256" ? digest : latin1DigestOf(bankHash, reader.hashed));
      let words = way.chain.extended;
      if (bankHash !== "sha256") {
        key.latin1Write(digest, 0, 32);
        words = keyWords;
      }
      contents.push(
        cache.find(words, reader.template.name) ?? remember(cache, reader, digest, words),
      );
    }
    way.arrived = way.chain.hasValue(way.quoted);
    if (way.arrived) missing--;
  }
  return {
    state: {
      ...state,
      form,
      entries: reader.index,
      bytes: state.bytes + reader.end,
      pcrs: new Map([...ways].map(([index, { chain }]) => [index, chain.value])),
    },
    contents,
  };
}

function remember(
  cache: ContentCache,
  reader: RecordReader,
  digest: string,
  words: Uint32Array,
): EntryContent {
  const content = readContent(reader, digest);
  if (reader.data.length <= CACHED_DATA_MAX) cache.add(words, content);
  return content;
}

function wayOf(
  pins: ListPins,
  index: number,
  value: Uint8Array,
  quoted: Uint8Array | undefined,
): Way {
  const target = latin1Buffer(HASH_ALGORITHMS[pins.bank].size);
  if (quoted?.length !== target.length) {
    throw new NsImaError("LIST_PCR_UNSUPPORTED", `PCR ${index} is pinned, but was not quoted`);
  }
  target.set(quoted);
  const chain = new PcrChain(pins.bank, value);
  return { chain, quoted: wordsOf(target), arrived: chain.hasValue(wordsOf(target)) };
}

function unpinned({ index, pcr }: RecordReader, { pcrs }: ListPins): NsImaError {
  return new NsImaError(
    "LIST_PCR_UNSUPPORTED",
    `record ${index - 1} is of PCR ${pcr}; pinned: ${pcrs.join(", ")}`,
  );
}
