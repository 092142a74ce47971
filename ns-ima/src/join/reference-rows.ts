// SPDX-License-Identifier: Apache-2.0

import { withSlack } from "./number-rows.ts";

/** An array to which items are only added, and that grows by an eighth: `push` would grow one by a half. */
export class ReferenceRows<T> {
  #items: T[] = [];
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** Makes room for `more` items, so that they are not moved again and again. */
  reserve(more: number): void {
    if (this.#length + more > this.#items.length) this.#grow(this.#length + more);
  }

  /** Adds an item; returns its number. */
  add(item: T): number {
    const row = this.#length++;
    if (row === this.#items.length) this.#grow(withSlack(this.#length));
    this.#items[row] = item;
    return row;
  }

  get(row: number): T {
    return this.#items[row] as T;
  }

  set(row: number, item: T): void {
    this.#items[row] = item;
  }

  #grow(size: number): void {
    const items = new Array<T>(size);
    for (let row = 0; row < this.#items.length; row++) items[row] = this.#items[row] as T;
    this.#items = items;
  }
}
