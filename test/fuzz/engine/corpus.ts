// SPDX-License-Identifier: Apache-2.0

import { CORPUS_BYTES_MAX, CORPUS_MAX } from "./limits.ts";
import type { Random } from "./random.ts";

/** Inputs that are kept of one behaviour. */
const PER_BEHAVIOUR = 4;

/**
 * Inputs to start from. One is kept when the decoder did with it what it had not done before: a new error or result.
 * That is cheaper than measuring coverage, and nearly as telling where every check has a message of its own.
 */
export class Corpus {
  readonly #inputs: Uint8Array[];
  readonly #seen = new Map<string, number>();
  #bytes: number;

  constructor(seeds: readonly Uint8Array[]) {
    this.#inputs = [...seeds];
    this.#bytes = seeds.reduce((sum, seed) => sum + seed.length, 0);
  }

  /** Number of different behaviours so far. */
  get behaviours(): number {
    return this.#seen.size;
  }

  pick(random: Random): Uint8Array {
    return random.pick(this.#inputs);
  }

  /** Takes note of what `input` led to, and keeps it if that is rare. */
  note(input: Uint8Array, behaviour: string): void {
    const seen = this.#seen.get(behaviour) ?? 0;
    if (seen >= PER_BEHAVIOUR || (seen === 0 && this.#seen.size >= CORPUS_MAX)) return;
    this.#seen.set(behaviour, seen + 1);
    if (this.#inputs.length >= CORPUS_MAX || this.#bytes + input.length > CORPUS_BYTES_MAX) return;
    this.#inputs.push(input);
    this.#bytes += input.length;
  }
}
