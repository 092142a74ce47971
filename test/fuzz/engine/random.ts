// SPDX-License-Identifier: Apache-2.0

/** Numbers at which decoders change their mind: signs, widths, and what is just beside them. */
const BOUNDARIES: readonly number[] = [
  0,
  1,
  2,
  3,
  4,
  7,
  8,
  15,
  16,
  19,
  20,
  21,
  23,
  24,
  31,
  32,
  33,
  47,
  48,
  63,
  64,
  65,
  127,
  128,
  255,
  256,
  257,
  1023,
  1024,
  4095,
  4096,
  4097,
  0x7fff,
  0x8000,
  0xffff,
  0x1_0000,
  0xff_ffff,
  0x7fff_ffff,
  0x8000_0000,
  0xffff_fffe,
  0xffff_ffff,
  0x1_0000_0000,
  Number.MAX_SAFE_INTEGER,
  2 ** 53,
  2 ** 63,
];

/** A seeded source of choices (sfc32): the same seed makes the same choices. Not for secrets. */
export class Random {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  /** @param seed an unsigned 32-bit integer */
  constructor(seed: number) {
    this.#a = seed | 0;
    this.#b = (seed ^ 0x9e37_79b9) | 0;
    this.#c = Math.imul(seed, 0x85eb_ca6b);
    for (let warmUp = 0; warmUp < 12; warmUp++) this.u32();
  }

  u32(): number {
    const sum = (this.#a + this.#b + this.#counter++) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }

  /** An integer from 0 to `limit` - 1; 0 when `limit` is 0. */
  below(limit: number): number {
    return limit > 0 ? this.u32() % limit : 0;
  }

  /** True once in `times`. */
  oneIn(times: number): boolean {
    return this.below(times) === 0;
  }

  /** One of `items`, which must not be empty. */
  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T;
  }

  /** Up to `most` bytes: random, all alike, or counting. */
  bytes(most: number): Uint8Array {
    const bytes = new Uint8Array(this.below(most + 1));
    const kind = this.below(3);
    const first = this.below(256);
    return bytes.map((_, index) => {
      if (kind === 0) return this.below(256);
      return kind === 1 ? first : first + index;
    });
  }

  /** A number at a boundary, or within 2 of one; may be above 2^53. */
  boundary(): number {
    const number = this.pick(BOUNDARIES);
    return this.oneIn(3) ? Math.max(0, number + this.below(5) - 2) : number;
  }
}
