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
    const rows = this.#length + more;
    if (rows <= this.#items.length) return;
    const items = new Array<T>(Math.max(rows, withSlack(this.#length)));
    for (let row = 0; row < this.#length; row++) items[row] = this.#items[row] as T;
    this.#items = items;
  }

  /** Adds an item; returns its number. */
  add(item: T): number {
    this.reserve(1);
    this.#items[this.#length] = item;
    return this.#length++;
  }

  get(row: number): T {
    return this.#items[row] as T;
  }

  set(row: number, item: T): void {
    this.#items[row] = item;
  }
}
