// SPDX-License-Identifier: Apache-2.0

const FIRST_SIZE = 4;
/** Bits of a slot for a row number, to begin with: 16 million rows. */
const ROW_BITS = 24;

/**
 * Finds the row of a table that has a key, which can be read off each row: a hash table of row numbers, about six bytes
 * a row. Rows are never removed. How keys are read, hashed and compared is said by who extends it.
 */
export abstract class RowIndex<K> {
  /** Row number + 1, 0 where there is none; above it bits of the hash, for reading a key costs more than all else. */
  #slots = new Uint32Array(FIRST_SIZE);
  #used = 0;
  #rowMask = 2 ** ROW_BITS - 1;

  protected abstract keyOf(row: number): K;
  /** 32 bits, the upper ones the best. */
  protected abstract hash(key: K): number;
  protected abstract same(a: K, b: K): boolean;

  /** Makes room for `more` rows. */
  reserve(more: number): void {
    const used = this.#used + more;
    if (4 * used <= 3 * this.#slots.length) return;
    // Many at once are mostly all there will be; one more is mostly followed by others.
    this.#rebuild(Math.max(used + (used >> 1) + 1, 2 * this.#used));
  }

  find(key: K): number | undefined {
    const slot = this.#slots[this.#placeOf(key, this.hash(key))] as number;
    return slot === 0 ? undefined : this.#rowIn(slot);
  }

  /** The row that has `key`: one that was there, else `row` from now on. */
  put(key: K, row: number): number {
    this.reserve(1);
    while (row >= this.#rowMask) this.#rebuild(this.#slots.length, 2 * this.#rowMask + 1);
    const hash = this.hash(key);
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
      if (isAlike && this.same(this.keyOf(this.#rowIn(slot)), key)) return place;
      place = this.#next(place);
    }
  }

  #rowIn(slot: number): number {
    return ((slot & this.#rowMask) >>> 0) - 1;
  }

  /** With the lower bits of the hash: the upper ones are in the place. */
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
      const hash = this.hash(this.keyOf(row));
      let place = this.#firstPlace(hash);
      while (this.#slots[place] !== 0) place = this.#next(place);
      this.#slots[place] = this.#slotOf(row, hash);
    }
  }
}
