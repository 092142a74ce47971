// SPDX-License-Identifier: Apache-2.0

import { CACHED_CONTENTS_MAX } from "../limits.ts";
import type { EntryContent } from "./entry.ts";

/** Words of a SHA-256 digest. */
const WORDS = 8;
/** Places that a content may be in. Whoever makes digests that share theirs makes these forget sooner, nothing else. */
const WAYS = 4;

/**
 * Contents by their template digest, of whatever node: what is equal is read once. Holds so many at most and forgets
 * those that came first. A content follows from digest and template alone, so nothing that one node sends can change
 * what is found for another.
 */
export class ContentCache {
  readonly #digests: Uint32Array;
  readonly #contents: (EntryContent | undefined)[];
  readonly #setMask: number;

  /** @param capacity a power of two, at least 4 */
  constructor(capacity: number = CACHED_CONTENTS_MAX) {
    this.#digests = new Uint32Array(capacity * WORDS);
    this.#contents = new Array(capacity);
    this.#setMask = capacity / WAYS - 1;
  }

  /** @param digest SHA-256 as eight words in the byte order of this machine */
  find(digest: Uint32Array, template: string): EntryContent | undefined {
    const first = this.#firstOf(digest);
    for (let place = first; place < first + WAYS; place++) {
      const content = this.#contents[place];
      if (content?.template === template && this.#isAt(place, digest)) return content;
    }
    return undefined;
  }

  add(digest: Uint32Array, content: EntryContent): void {
    const first = this.#firstOf(digest);
    const after = first + WAYS - 1;
    this.#contents.copyWithin(first + 1, first, after);
    this.#digests.copyWithin((first + 1) * WORDS, first * WORDS, after * WORDS);
    this.#contents[first] = content;
    this.#digests.set(digest, first * WORDS);
  }

  #firstOf(digest: Uint32Array): number {
    return ((digest[0] ?? 0) & this.#setMask) * WAYS;
  }

  #isAt(place: number, digest: Uint32Array): boolean {
    const start = place * WORDS;
    for (let word = 0; word < WORDS; word++) {
      if (this.#digests[start + word] !== digest[word]) return false;
    }
    return true;
  }
}
