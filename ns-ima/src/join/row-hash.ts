// SPDX-License-Identifier: Apache-2.0

import { randomBytes } from "node:crypto";

// Containers choose digests and paths as they like, so the hash is a secret of this process: else one of them could fill
// a single place of every index. Nothing that is said of a node depends on it.
const secret = randomBytes(12);
const FIRST = secret.readUInt32LE(0) | 1;
const SECOND = secret.readUInt32LE(4) | 1;
const THIRD = secret.readUInt32LE(8) | 1;

/** Hash of a digest, by its first eight bytes: 32 bits, the upper ones the best. */
export function hashOfDigest(digest: Uint8Array): number {
  return mixed(Math.imul(wordAt(digest, 0), FIRST) + Math.imul(wordAt(digest, 4), SECOND));
}

/** Hash of `hash` and a number more. */
export function hashWith(hash: number, number: number): number {
  return mixed(Math.imul(hash, FIRST) + Math.imul(number, SECOND) + THIRD);
}

/** Hash of `hash` and a text. */
export function hashWithText(hash: number, text: string): number {
  let value = hash;
  for (let at = 0; at < text.length; at++) {
    value = Math.imul(value + text.charCodeAt(at), THIRD);
    value ^= value >>> 15; // else texts can be chosen that collide whatever the multiplier is (Thue-Morse)
  }
  return mixed(value);
}

/**
 * Lets every bit depend on every other: the finalizer of MurmurHash3, 32 bits. Without it one secret in a few hundred puts
 * numbers that follow each other into few places.
 */
function mixed(value: number): number {
  const once = Math.imul(value ^ (value >>> 16), 0x85eb_ca6b);
  const twice = Math.imul(once ^ (once >>> 13), 0xc2b2_ae35);
  return twice ^ (twice >>> 16);
}

/** A byte that is not there counts as zero. */
function wordAt(bytes: Uint8Array, at: number): number {
  const low = (bytes[at] as number) | ((bytes[at + 1] as number) << 8);
  return low | ((bytes[at + 2] as number) << 16) | ((bytes[at + 3] as number) << 24);
}
