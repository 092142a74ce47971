// SPDX-License-Identifier: Apache-2.0

import { DigestIndex } from "./digest-index.ts";
import type { JoinEntry } from "./entry-owner.ts";
import { NumberRows } from "./number-rows.ts";
import { ReferenceRows } from "./reference-rows.ts";

const ROUND = 0;
const FROM = 1;
const NO_LINKS: ReadonlyMap<number, number> = new Map();

/**
 * The host list as the join keeps it: for each entry a reference to its content and four bytes, and an index by template
 * digest. It only grows at its end, so states of different age share one book: each reads what was there in its time.
 */
export class EntryBook {
  readonly #contents = new ReferenceRows<JoinEntry>();
  /** The number of its owner, and whether it is a runtime in the last bit. */
  readonly #owners = new NumberRows(1);
  /** Rounds with entries, and the first entry of each. */
  readonly #rounds = new NumberRows(2);
  /** The first entry with each template digest. Violations are not in it. */
  readonly #first = new DigestIndex(this.#contents);
  /**
   * Only where several entries have a template digest: of the first one the last one, of each other the one before.
   * So is what follows: few nodes have any of them.
   */
  #links: Map<number, number> | null = null;
  /** Entries that became the host's after they were settled, with the round in which they did. */
  #relieved: Map<number, number> | null = null;

  get length(): number {
    return this.#contents.length;
  }

  /** Makes room for `more` entries. */
  reserve(more: number): void {
    this.#contents.reserve(more);
    this.#owners.reserve(more);
    this.#first.reserve(more);
  }

  /** Appends an entry that came in `round`, no earlier than those before; returns its index. */
  add(content: JoinEntry, isRuntime: boolean, round: number): number {
    const index = this.#contents.add(content);
    this.#owners.set(this.#owners.add(), 0, isRuntime ? 1 : 0);
    this.#begin(round, index);
    if (content.violation) return index;
    const first = this.#first.put(content.templateDigest, index);
    if (first === index) return index;
    this.#links ??= new Map();
    this.#links.set(index, this.#links.get(first) ?? first);
    this.#links.set(first, index);
    return index;
  }

  content(index: number): JoinEntry {
    return this.#contents.get(index);
  }

  /** What the policy in force said of it when it came. */
  isRuntime(index: number): boolean {
    return (this.#owners.get(index, 0) & 1) === 1;
  }

  roundOf(index: number): number {
    let [low, high] = [0, this.#rounds.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (this.#rounds.get(middle, FROM) <= index) low = middle;
      else high = middle - 1;
    }
    return this.#rounds.get(low, ROUND);
  }

  /** Number of the owner that {@link settle} wrote, unless it is the host's by `round`. */
  ownerAt(index: number, round: number): number {
    const relieved = this.#relieved?.get(index);
    if (relieved !== undefined && relieved <= round) return 0;
    return this.#owners.get(index, 0) >>> 1;
  }

  /** Writes the owner of an entry, once. */
  settle(index: number, owner: number): void {
    this.#owners.set(index, 0, 2 * owner + (this.#owners.get(index, 0) & 1));
  }

  /** Gives a settled entry to the host, from `round` on. */
  relieve(index: number, round: number): void {
    this.#relieved ??= new Map();
    this.#relieved.set(index, round);
  }

  /** The first entry with a template digest. */
  first(templateDigest: Uint8Array): number | undefined {
    return this.#first.find(templateDigest);
  }

  /** All entries with the template digest of `first`, which comes first. */
  sharing(first: number): readonly number[] {
    const links = this.#links ?? NO_LINKS;
    const all = [first];
    for (let at = links.get(first); at !== undefined && at !== first; at = links.get(at)) {
      all.push(at);
    }
    return all;
  }

  /** A book of its own with the first `length` entries as they were in `round`. */
  copy(length: number, round: number): EntryBook {
    const copy = new EntryBook();
    copy.reserve(length);
    for (let index = 0; index < length; index++) {
      copy.add(this.content(index), this.isRuntime(index), this.roundOf(index));
      copy.settle(index, this.#owners.get(index, 0) >>> 1);
    }
    for (const [index, since] of this.#relieved ?? []) {
      if (since <= round) copy.relieve(index, since);
    }
    return copy;
  }

  #begin(round: number, index: number): void {
    const last = this.#rounds.length - 1;
    if (last >= 0 && this.#rounds.get(last, ROUND) === round) return;
    const row = this.#rounds.add();
    this.#rounds.set(row, ROUND, round);
    this.#rounds.set(row, FROM, index);
  }
}
