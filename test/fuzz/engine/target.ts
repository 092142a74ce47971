// SPDX-License-Identifier: Apache-2.0

import type { Random } from "./random.ts";

/** Makes another input of `input`; `other` is one to take pieces of. Changes neither. */
export type Mutator = (input: Uint8Array, random: Random, other: Uint8Array) => Uint8Array;

/** One decoder, or several that are closely related, and what has to hold of it for every input. */
export interface FuzzTarget {
  readonly name: string;
  /** What a run starts from: real bytes, and what our encoders write. */
  readonly seeds: readonly Uint8Array[];
  /** What knows the form of an input; bytes are mutated besides. */
  readonly mutators: readonly Mutator[];
  /** Makes an input from nothing. */
  readonly generate?: (random: Random) => Uint8Array;
  /** Bytes of the longest input that is tried. */
  readonly inputMax: number;
  /** Names of the error classes that may leave `run`, each with a code of docs/errors.md. */
  readonly errors: readonly string[];
  /** Milliseconds for one input; see limits.ts for the default. */
  readonly timeMax?: number;
  /** Bytes that may be allocated whatever the input's size; see limits.ts for the default. */
  readonly allocatedMax?: number;
  /**
   * Decodes `input` and checks all that is promised of the result. Returns, in a word, what it was, so that inputs of a
   * new kind are kept.
   *
   * @throws what the decoder throws; {@link BrokenPromise} when something does not hold
   */
  readonly run: (input: Uint8Array) => string;
}

/** What a target throws when its decoder breaks a promise. */
export class BrokenPromise extends Error {
  override readonly name = "BrokenPromise";
}

/** Throws {@link BrokenPromise} unless `holds`. */
export function promise(holds: boolean, what: string): asserts holds {
  if (!holds) throw new BrokenPromise(what);
}
