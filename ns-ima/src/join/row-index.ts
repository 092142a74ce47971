// SPDX-License-Identifier: Apache-2.0

/** How the rows of a table are found: by a key that can be read off each. */
export interface RowKeys<K> {
  keyOf(row: number): K;
  /** 32 bits, the upper ones the best. */
  hash(key: K): number;
  same(a: K, b: K): boolean;
}

const FIRST_SIZE = 8;

/** Finds the row that has a key: a hash table of row numbers, about seven bytes a row. Rows are never removed. */
export class RowIndex<K> {
  readonly #keys: RowKeys<K>;
  /** Row number + 1, 0 where there is none. */
  #slots = new Uint32Array(FIRST_SIZE);
  #used = 0;

  constructor(keys: RowKeys<K>) {
    this.#keys = keys;
  }

  /** Makes room for `more` rows. */
  reserve(more: number): void {
    const size = 2 * (this.#used + more);
    if (size > this.#slots.length) this.#resize(size);
  }

  find(key: K): number | undefined {
    const value = this.#slots[this.#placeOf(key)] as number;
    return value === 0 ? undefined : value - 1;
  }

  /** The row that has `key`: one that was there, else `row` from now on. */
  put(key: K, row: number): number {
    const place = this.#placeOf(key);
    const value = this.#slots[place] as number;
    if (value !== 0) return value - 1;
    this.#slots[place] = row + 1;
    this.#used++;
    if (3 * this.#used > 2 * this.#slots.length) this.#resize(2 * this.#used);
    return row;
  }

  /** The place of the row with `key`, or the free one where it would be. */
  #placeOf(key: K): number {
    const { keyOf, same } = this.#keys;
    let place = this.#firstPlace(key);
    for (;;) {
      const value = this.#slots[place] as number;
      if (value === 0 || same(keyOf(value - 1), key)) return place;
      place = this.#next(place);
    }
  }

  #firstPlace(key: K): number {
    // The upper bits choose, so that the size need not be a power of two.
    return Math.floor(((this.#keys.hash(key) >>> 0) / 0x1_0000_0000) * this.#slots.length);
  }

  #next(place: number): number {
    return place + 1 === this.#slots.length ? 0 : place + 1;
  }

  #resize(size: number): void {
    const old = this.#slots;
    this.#slots = new Uint32Array(size);
    for (const value of old) {
      if (value === 0) continue;
      let place = this.#firstPlace(this.#keys.keyOf(value - 1));
      while (this.#slots[place] !== 0) place = this.#next(place);
      this.#slots[place] = value;
    }
  }
}
