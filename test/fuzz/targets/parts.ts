// SPDX-License-Identifier: Apache-2.0

// An input of several byte strings: `u16be size | bytes` for each, so that mutations of sizes move bytes between them.

/** The input that {@link partsOf} takes apart. */
export function joinParts(...parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [part.length >> 8, part.length & 0xff, ...part]));
}

/** The `count` byte strings in `input`; where it is too short, shorter or empty ones. */
export function partsOf(input: Uint8Array, count: number): Uint8Array[] {
  let at = 0;
  return Array.from({ length: count }, () => {
    const size = ((input[at] ?? 0) << 8) | (input[at + 1] ?? 0);
    const part = input.subarray(at + 2, at + 2 + size);
    at += 2 + size;
    return part;
  });
}
