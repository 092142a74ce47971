// SPDX-License-Identifier: Apache-2.0

/** Remembers values by what they say, so that what is equal is one object. Forgets what was not used for long. */
export class Recollection<T> {
  readonly #limit: number;
  #recent = new Map<string, T>();
  #earlier: ReadonlyMap<string, T> = new Map();

  /** @param limit number of values that are remembered at least, once there were as many; at most twice that */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** The value for `key`: the one that is remembered, else what `make` makes, which must follow from `key`. */
  of(key: string, make: () => T): T {
    const known = this.#recent.get(key);
    if (known !== undefined) return known;
    const value = this.#earlier.get(key) ?? make();
    if (this.#recent.size === this.#limit) {
      this.#earlier = this.#recent;
      this.#recent = new Map();
    }
    this.#recent.set(key, value);
    return value;
  }
}
