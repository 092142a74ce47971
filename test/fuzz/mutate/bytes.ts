// SPDX-License-Identifier: Apache-2.0

import type { Random } from "../engine/random.ts";
import type { Mutator } from "../engine/target.ts";

/** Most bytes that are added at once. */
const ADDED_MAX = 64;

/** `input` with `inserted` in place of the `removed` bytes at `at`. */
export function replaced(
  input: Uint8Array,
  at: number,
  removed: number,
  inserted: Uint8Array,
): Uint8Array {
  const rest = input.subarray(at + removed);
  const output = new Uint8Array(at + inserted.length + rest.length);
  output.set(input.subarray(0, at));
  output.set(inserted, at);
  output.set(rest, at + inserted.length);
  return output;
}

/** `value` modulo 2^(8 * width), in as many bytes. */
export function integerBytes(value: number, width: number, little: boolean): Uint8Array {
  const bytes = new Uint8Array(width);
  let left = BigInt(value);
  for (let n = 0; n < width; n++) {
    bytes[little ? n : width - 1 - n] = Number(left & 0xffn);
    left >>= 8n;
  }
  return bytes;
}

/** Any piece of `bytes`, of at most {@link ADDED_MAX} bytes most of the time. */
export function pieceOf(bytes: Uint8Array, random: Random): Uint8Array {
  const at = random.below(bytes.length + 1);
  const most = random.oneIn(8) ? bytes.length : ADDED_MAX;
  return bytes.subarray(at, at + random.below(most + 1));
}

const MUTATIONS: readonly Mutator[] = [
  function flipBit(input, random) {
    const output = input.slice();
    const at = random.below(input.length);
    output[at] = (output[at] ?? 0) ^ (1 << random.below(8));
    return output.subarray(0, input.length);
  },
  function setByte(input, random) {
    return replaced(input, random.below(input.length), 1, Uint8Array.of(random.below(256)));
  },
  function setInteger(input, random) {
    const width = random.pick([1, 2, 4, 8]);
    const number = integerBytes(random.boundary(), width, random.oneIn(2));
    return replaced(input, random.below(input.length), width, number);
  },
  function addToInteger(input, random) {
    const at = random.below(input.length);
    return replaced(input, at, 1, Uint8Array.of((input[at] ?? 0) + random.below(9) - 4));
  },
  function remove(input, random) {
    return replaced(input, random.below(input.length), 1 + random.below(ADDED_MAX), NOTHING);
  },
  function repeat(input, random) {
    return replaced(input, random.below(input.length + 1), 0, pieceOf(input, random));
  },
  function insert(input, random) {
    return replaced(input, random.below(input.length + 1), 0, random.bytes(ADDED_MAX));
  },
  function truncate(input, random) {
    return input.slice(0, random.below(input.length));
  },
  function extend(input, random) {
    return replaced(input, input.length, 0, random.bytes(ADDED_MAX));
  },
  function splice(input, random, other) {
    const from = other.subarray(random.below(other.length + 1));
    return replaced(input, random.below(input.length + 1), input.length, from);
  },
  function transplant(input, random, other) {
    const piece = pieceOf(other, random);
    const at = random.below(input.length + 1);
    return replaced(input, at, random.oneIn(2) ? piece.length : 0, piece);
  },
];

const NOTHING = new Uint8Array();

/** Changes bytes without knowing what they mean. */
export const mutateBytes: Mutator = (input, random, other) =>
  random.pick(MUTATIONS)(input, random, other);

/** Writes one of `words` over some bytes, or between them: tags, names and numbers that a format gives a meaning. */
export function withWords(words: readonly Uint8Array[]): Mutator {
  return (input, random) => {
    const word = random.pick(words);
    const at = random.below(input.length + 1);
    return replaced(input, at, random.oneIn(3) ? 0 : word.length, word);
  };
}
