// SPDX-License-Identifier: Apache-2.0

const TRIES_MAX = 400;

/** A shorter input that still `fails`, found by leaving pieces out, large ones first. */
export function shrink(input: Uint8Array, fails: (bytes: Uint8Array) => boolean): Uint8Array {
  let best = input;
  let tries = 0;
  for (let piece = best.length >> 1; piece > 0; piece >>= 1) {
    for (let at = 0; at < best.length && tries < TRIES_MAX; ) {
      const shorter = Uint8Array.from([...best.subarray(0, at), ...best.subarray(at + piece)]);
      tries++;
      if (fails(shorter)) best = shorter;
      else at += piece;
    }
  }
  return best;
}
