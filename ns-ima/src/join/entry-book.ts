// SPDX-License-Identifier: Apache-2.0

import { sameBytes } from "./content.ts";
import type { JoinEntry } from "./entry-owner.ts";
import { NumberRows } from "./number-rows.ts";
import { ReferenceRows } from "./reference-rows.ts";
import { hashOfDigest } from "./row-hash.ts";
import { RowIndex } from "./row-index.ts";

const OWNER = 0;
const ROUND = 1;
/** Of the first entry with a template digest: the last one with it. Of the others: the one before. */
const LINK = 2;
const WIDTH = 3;

/**
 * The host list as the join keeps it: for each entry a reference to its content and twelve bytes, and an index by
 * template digest. It only grows at its end, so states of different age share one book: each reads what was there in
 * its time.
 */
export class EntryBook {
  readonly #rows = new NumberRows(WIDTH);
  readonly #contents = new ReferenceRows<JoinEntry>();
  /** The first entry with each template digest. Violations are not in it. */
  readonly #first = new RowIndex<Uint8Array>({
    keyOf: (row) => this.content(row).templateDigest,
    hash: hashOfDigest,
    same: sameBytes,
  });
  /** Entries that became the host's after they were settled, with the round in which they did. */
  readonly #relieved = new Map<number, number>();

  get length(): number {
    return this.#rows.length;
  }

  /** Makes room for `more` entries. */
  reserve(more: number): void {
    this.#rows.reserve(more);
    this.#contents.reserve(more);
    this.#first.reserve(more);
  }

  /** Appends an entry; returns its index. */
  add(content: JoinEntry, isRuntime: boolean, round: number): number {
    const index = this.#rows.add();
    this.#contents.add(content);
    this.#rows.set(index, ROUND, round);
    this.#rows.set(index, OWNER, isRuntime ? 1 : 0);
    this.#rows.set(index, LINK, index);
    if (content.violation) return index;
    const first = this.#first.put(content.templateDigest, index);
    if (first === index) return index;
    this.#rows.set(index, LINK, this.#rows.get(first, LINK));
    this.#rows.set(first, LINK, index);
    return index;
  }

  content(index: number): JoinEntry {
    return this.#contents.get(index);
  }

  /** What the policy in force said of it when it came. */
  isRuntime(index: number): boolean {
    return (this.#rows.get(index, OWNER) & 1) === 1;
  }

  roundOf(index: number): number {
    return this.#rows.get(index, ROUND);
  }

  /** Number of the owner that {@link settle} wrote, unless it is the host's by `round`. */
  ownerAt(index: number, round: number): number {
    const relieved = this.#relieved.get(index);
    if (relieved !== undefined && relieved <= round) return 0;
    return this.#rows.get(index, OWNER) >>> 1;
  }

  /** Writes the owner of an entry, once. */
  settle(index: number, owner: number): void {
    this.#rows.set(index, OWNER, 2 * owner + (this.#rows.get(index, OWNER) & 1));
  }

  /** Gives a settled entry to the host, from `round` on. */
  relieve(index: number, round: number): void {
    this.#relieved.set(index, round);
  }

  /** The first entry with a template digest. */
  first(templateDigest: Uint8Array): number | undefined {
    return this.#first.find(templateDigest);
  }

  /** All entries with the template digest of `first`, in no order. */
  *sharing(first: number): Generator<number> {
    yield first;
    for (let at = this.#rows.get(first, LINK); at !== first; at = this.#rows.get(at, LINK))
      yield at;
  }

  /** A book of its own with the first `length` entries as they were in `round`. */
  copy(length: number, round: number): EntryBook {
    const copy = new EntryBook();
    copy.reserve(length);
    for (let index = 0; index < length; index++) {
      copy.add(this.content(index), this.isRuntime(index), this.roundOf(index));
      copy.settle(index, this.#rows.get(index, OWNER) >>> 1);
    }
    for (const [index, since] of this.#relieved) if (since <= round) copy.relieve(index, since);
    return copy;
  }
}
