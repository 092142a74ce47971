// SPDX-License-Identifier: Apache-2.0

import { CACHED_CONTENTS_MAX } from "../limits.ts";
import type { EntryContent } from "./entry.ts";

/** Words of a SHA-256 digest. */
const WORDS = 8;
/** Contents that are found by the same bits of their digests. Who makes more of them is forgotten sooner, nothing else. */
const WAYS = 4;

/**
 * Contents by their template digest, of whatever node: what is equal is read once. Holds so many at most and forgets
 * those that came first. A content follows from digest and template alone, so nothing that one node sends can change
 * what is found for another.
 *
 * Contents lie in the order in which they came, and lists are much alike: the one behind the last one found is looked at
 * first, which saves most of what a look-up costs, the way to memory.
 */
export class ContentCache {
  readonly #capacity: number;
  readonly #digests: Uint32Array;
  readonly #contents: (EntryContent | undefined)[];
  /** Places of contents by the first bits of their digests. A place may have been given to another content since. */
  readonly #places: Uint32Array;
  #next = 0;
  #last = 0;

  /** @param capacity a power of two, at least 4 */
  constructor(capacity: number = CACHED_CONTENTS_MAX) {
    this.#capacity = capacity;
    this.#digests = new Uint32Array(capacity * WORDS);
    this.#contents = new Array(capacity);
    this.#places = new Uint32Array(capacity);
  }

  /** @param digest SHA-256 as eight words in the byte order of this machine */
  find(digest: Uint32Array, template: string): EntryContent | undefined {
    const successor = (this.#last + 1) & (this.#capacity - 1);
    const expected = this.#at(successor, digest, template);
    if (expected !== undefined) return expected;
    const first = this.#firstOf(digest);
    for (let way = first; way < first + WAYS; way++) {
      const found = this.#at(Number(this.#places[way]), digest, template);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  add(digest: Uint32Array, content: EntryContent): void {
    const place = this.#next;
    this.#next = (place + 1) & (this.#capacity - 1);
    this.#last = place;
    this.#contents[place] = content;
    this.#digests.set(digest, place * WORDS);
    const first = this.#firstOf(digest);
    this.#places.copyWithin(first + 1, first, first + WAYS - 1);
    this.#places[first] = place;
  }

  #at(place: number, digest: Uint32Array, template: string): EntryContent | undefined {
    const start = place * WORDS;
    for (let word = 0; word < WORDS; word++) {
      if (this.#digests[start + word] !== digest[word]) return undefined;
    }
    const content = this.#contents[place];
    if (content?.template !== template) return undefined;
    this.#last = place;
    return content;
  }

  #firstOf(digest: Uint32Array): number {
    return (Number(digest[0]) & (this.#capacity / WAYS - 1)) * WAYS;
  }
}
