// SPDX-License-Identifier: Apache-2.0

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { NumberRows } from "./number-rows.ts";
import { Recollection } from "./recollection.ts";
import { ReferenceRows } from "./reference-rows.ts";
import { hashWith } from "./row-hash.ts";
import { RowIndex } from "./row-index.ts";

/** Finds rows by the number that stands in them; hashed well, or to one of few values. */
class NumberIndex extends RowIndex<number> {
  compared = 0;
  readonly #keyOf: (row: number) => number;
  readonly #hash: (key: number) => number;

  constructor(keyOf: (row: number) => number, hash: (key: number) => number) {
    super();
    this.#keyOf = keyOf;
    this.#hash = hash;
  }

  protected keyOf(row: number): number {
    return this.#keyOf(row);
  }

  protected hash(key: number): number {
    return this.#hash(key);
  }

  protected same(a: number, b: number): boolean {
    this.compared++;
    return a === b;
  }
}

describe("an index of rows", () => {
  it.each<[string, (key: number) => number]>([
    ["a good hash", (key) => hashWith(0, key)],
    ["a hash with few values", (key) => (key % 3) * 0x5555_5555],
    ["the last place for all", () => 0xffff_ffff],
  ])("finds what a Map finds, with %s", (_, hash) => {
    fc.assert(
      fc.property(fc.array(fc.nat(60)), (keys) => {
        const index = new NumberIndex((row) => keys[row] as number, hash);
        const model = new Map<number, number>();
        for (const [row, key] of keys.entries()) {
          if (!model.has(key)) model.set(key, row);
          expect(index.put(key, row)).toBe(model.get(key));
        }
        for (let key = 0; key <= 61; key++) expect(index.find(key)).toBe(model.get(key));
      }),
    );
  });

  // Without it lists of more entries than a slot has bits for at first would take one entry for another.
  it("holds row numbers of up to 32 bits", () => {
    const index = new NumberIndex(
      (row) => row,
      (key) => hashWith(0, key),
    );
    const rows = [0, 2 ** 24 - 2, 2 ** 24 - 1, 2 ** 24, 2 ** 31, 2 ** 32 - 2];
    for (const row of rows) expect(index.put(row, row)).toBe(row);
    for (const row of rows) expect(index.find(row)).toBe(row);
    expect(index.find(7)).toBeUndefined();
  });

  // Without it each look-up reads contents from all over the memory.
  it("reads hardly any key but the right one", () => {
    const index = new NumberIndex(
      (row) => row,
      (key) => hashWith(key, 1),
    );
    for (let row = 0; row < 10_000; row++) index.put(row, row);
    expect(index.compared).toBeLessThan(500);
  });
});

describe("rows", () => {
  it("hold what was written, whether room was made before or not", () => {
    const numbers = new NumberRows(2);
    const references = new ReferenceRows<string>();
    for (let row = 0; row < 100; row++) {
      if (row === 50) {
        numbers.reserve(1000);
        references.reserve(1000);
      }
      expect([numbers.add(), references.add(`${row}`)]).toEqual([row, row]);
      numbers.set(row, 1, 0xffff_ff00 + row);
    }
    references.set(3, "other");
    expect([numbers.length, references.length]).toEqual([100, 100]);
    expect([numbers.get(99, 0), numbers.get(99, 1)]).toEqual([0, 0xffff_ff63]);
    expect([references.get(3), references.get(99)]).toEqual(["other", "99"]);
  });
});

describe("a recollection", () => {
  it("gives the same value again, and forgets what was not asked for while others came", () => {
    const values = new Recollection<{ readonly key: string }>(2);
    const of = (key: string) => values.of(key, () => ({ key }));
    const [a, b] = [of("a"), of("b")];
    expect([of("a"), of("b")].map((value, at) => value === [a, b][at])).toEqual([true, true]);
    of("c");
    expect(of("a")).toBe(a);
    of("d");
    expect(of("a")).toBe(a);
    expect(of("b")).not.toBe(b);
    expect(of("b")).toEqual(b);
  });
});
