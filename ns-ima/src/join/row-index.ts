// SPDX-License-Identifier: Apache-2.0

/** How the rows of a table are found: by a key that can be read off each. */
export interface RowKeys<K> {
  keyOf(row: number): K;
  /** 32 bits, the upper ones the best. */
  hash(key: K): number;
  same(a: K, b: K): boolean;
}

const FIRST_SIZE = 8;
/** Bits of a slot for a row number, to begin with: 16 million rows. */
const ROW_BITS = 24;

/** Finds the row that has a key: a hash table of row numbers, about seven bytes a row. Rows are never removed. */
export class RowIndex<K> {
  readonly #keys: RowKeys<K>;
  /** Row number + 1, 0 where there is none; above it bits of the hash, for reading a key costs more than all else. */
  #slots = new Uint32Array(FIRST_SIZE);
  #used = 0;
  #rowMask = 2 ** ROW_BITS - 1;

  constructor(keys: RowKeys<K>) {
    this.#keys = keys;
  }

  /** Makes room for `more` rows. */
  reserve(more: number): void {
    const used = this.#used + more;
    if (3 * used > 2 * this.#slots.length) this.#rebuild(2 * used);
  }

  find(key: K): number | undefined {
    const slot = this.#slots[this.#placeOf(key, this.#keys.hash(key))] as number;
    return slot === 0 ? undefined : this.#rowIn(slot);
  }

  /** The row that has `key`: one that was there, else `row` from now on. */
  put(key: K, row: number): number {
    this.reserve(1);
    while (row >= this.#rowMask) this.#rebuild(this.#slots.length, 2 * this.#rowMask + 1);
    const hash = this.#keys.hash(key);
    const place = this.#placeOf(key, hash);
    const slot = this.#slots[place] as number;
    if (slot !== 0) return this.#rowIn(slot);
    this.#slots[place] = this.#slotOf(row, hash);
    this.#used++;
    return row;
  }

  /** The place of the row with `key`, or the free one where it would be. */
  #placeOf(key: K, hash: number): number {
    const tag = this.#slotOf(-1, hash);
    let place = this.#firstPlace(hash);
    for (;;) {
      const slot = this.#slots[place] as number;
      if (slot === 0) return place;
      const isAlike = (slot & ~this.#rowMask) >>> 0 === tag;
      if (isAlike && this.#keys.same(this.#keys.keyOf(this.#rowIn(slot)), key)) return place;
      place = this.#next(place);
    }
  }

  #rowIn(slot: number): number {
    return ((slot & this.#rowMask) >>> 0) - 1;
  }

  /** The lower bits of the hash: the upper ones are in the place. */
  #slotOf(row: number, hash: number): number {
    return ((row + 1) | Math.imul(hash, this.#rowMask + 1)) >>> 0;
  }

  #firstPlace(hash: number): number {
    // The upper bits choose, so that the size need not be a power of two.
    return Math.floor(((hash >>> 0) / 0x1_0000_0000) * this.#slots.length);
  }

  #next(place: number): number {
    return place + 1 === this.#slots.length ? 0 : place + 1;
  }

  #rebuild(size: number, rowMask: number = this.#rowMask): void {
    const rows = this.#slots.filter((slot) => slot !== 0).map((slot) => this.#rowIn(slot));
    this.#slots = new Uint32Array(size);
    this.#rowMask = rowMask;
    for (const row of rows) {
      const hash = this.#keys.hash(this.#keys.keyOf(row));
      let place = this.#firstPlace(hash);
      while (this.#slots[place] !== 0) place = this.#next(place);
      this.#slots[place] = this.#slotOf(row, hash);
    }
  }
}
