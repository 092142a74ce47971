// SPDX-License-Identifier: Apache-2.0

import { DigestIndex } from "./digest-index.ts";
import type { JoinEntry } from "./entry-owner.ts";
import { NumberRows } from "./number-rows.ts";
import { ReferenceRows } from "./reference-rows.ts";
import { hashWith } from "./row-hash.ts";
import { RowIndex } from "./row-index.ts";

/** Whatever has the template digest: an entry's content, or a copy while no entry has come. */
export type Claimed = Pick<JoinEntry, "templateDigest">;

const CLAIMED = 0;
const CLAIMANT = 1;
/** The claim before of the same template digest, + 1. */
const BEFORE = 2;
const WIDTH = 3;

/** A claimant of something, as the numbers of both. */
interface Pair {
  readonly claimed: number;
  readonly claimant: number;
}

class PairIndex extends RowIndex<Pair> {
  readonly #claims: NumberRows;

  constructor(claims: NumberRows) {
    super();
    this.#claims = claims;
  }

  protected keyOf(row: number): Pair {
    return { claimed: this.#claims.get(row, CLAIMED), claimant: this.#claims.get(row, CLAIMANT) };
  }

  protected hash({ claimed, claimant }: Pair): number {
    return hashWith(claimed, claimant);
  }

  protected same(a: Pair, b: Pair): boolean {
    return a.claimed === b.claimed && a.claimant === b.claimant;
  }
}

/** All claims, each once, by template digest: numbers in a few shared pieces of memory. It only grows. */
export class ClaimBook {
  readonly #claimed = new ReferenceRows<Claimed>();
  /** The last claim of each `#claimed`, + 1. */
  readonly #last = new NumberRows(1);
  readonly #claims = new NumberRows(WIDTH);
  readonly #byDigest = new DigestIndex(this.#claimed);
  readonly #byPair = new PairIndex(this.#claims);

  get length(): number {
    return this.#claims.length;
  }

  /** Adds the claim of `claimant`, a number, unless it is there. Keeps `claimed`. */
  add(claimed: Claimed, claimant: number): void {
    const number = this.#byDigest.find(claimed.templateDigest) ?? this.#addClaimed(claimed);
    const pair = { claimed: number, claimant };
    if (this.#byPair.find(pair) !== undefined) return;
    const row = this.#claims.add();
    this.#claims.set(row, CLAIMED, number);
    this.#claims.set(row, CLAIMANT, claimant);
    this.#claims.set(row, BEFORE, this.#last.get(number, 0));
    this.#last.set(number, 0, row + 1);
    this.#byPair.put(pair, row);
  }

  /** Who claims a template digest, the first one first. */
  claimantsOf(templateDigest: Uint8Array): readonly number[] {
    const number = this.#byDigest.find(templateDigest);
    if (number === undefined) return [];
    const claimants: number[] = [];
    for (let next = this.#last.get(number, 0); next !== 0; ) {
      claimants.push(this.#claims.get(next - 1, CLAIMANT));
      next = this.#claims.get(next - 1, BEFORE);
    }
    return claimants.reverse();
  }

  /** Keeps `content` in the place of the copy of its template digest that a claim may have left. */
  adopt(content: Claimed): void {
    const number = this.#byDigest.find(content.templateDigest);
    if (number !== undefined) this.#claimed.set(number, content);
  }

  /** A book of its own with the first `length` claims. */
  copy(length: number): ClaimBook {
    const copy = new ClaimBook();
    for (let row = 0; row < length; row++) {
      const claimed = this.#claimed.get(this.#claims.get(row, CLAIMED));
      copy.add(claimed, this.#claims.get(row, CLAIMANT));
    }
    return copy;
  }

  #addClaimed(claimed: Claimed): number {
    const number = this.#claimed.add(claimed);
    this.#last.add();
    return this.#byDigest.put(claimed.templateDigest, number);
  }
}
