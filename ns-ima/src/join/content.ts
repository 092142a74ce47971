// SPDX-License-Identifier: Apache-2.0

import type { FileDigest } from "../log/event.ts";

/** False for all zeros, by which the kernel says that it could not read the file: such a digest names no content. */
export function namesContent(digest: FileDigest | null): digest is FileDigest {
  return digest?.value.some((byte) => byte !== 0) === true;
}

/** True for two digests of the same content, by the same algorithm. */
export function sameDigest(a: FileDigest, b: FileDigest): boolean {
  return a === b || (a.algorithm === b.algorithm && sameBytes(a.value, b.value));
}

/** In a loop, for digests are short. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let at = 0; at < a.length; at++) if (a[at] !== b[at]) return false;
  return true;
}
