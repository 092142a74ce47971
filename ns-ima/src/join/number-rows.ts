// SPDX-License-Identifier: Apache-2.0

/**
 * Rows of a few 32-bit numbers each, in one piece of memory that grows by an eighth: a node has very many, and most
 * nodes get few more. Rows are never removed.
 */
export class NumberRows {
  readonly #width: number;
  #values = new Uint32Array(0);
  #length = 0;

  constructor(width: number) {
    this.#width = width;
  }

  get length(): number {
    return this.#length;
  }

  /** Makes room for `more` rows, so that they are not moved again and again. */
  reserve(more: number): void {
    const rows = this.#length + more;
    if (rows * this.#width <= this.#values.length) return;
    const values = new Uint32Array(Math.max(rows, withSlack(this.#length)) * this.#width);
    values.set(this.#values);
    this.#values = values;
  }

  /** Adds a row of zeros; returns its number. */
  add(): number {
    this.reserve(1);
    return this.#length++;
  }

  get(row: number, column: number): number {
    return this.#values[row * this.#width + column] as number;
  }

  set(row: number, column: number, value: number): void {
    this.#values[row * this.#width + column] = value;
  }
}

/** Rows to have memory for when no more than `rows` fit. */
export function withSlack(rows: number): number {
  return rows + (rows >> 3) + 4;
}
