// SPDX-License-Identifier: Apache-2.0

/** The template `ima` has a digest without a length before its path. */
const LEGACY_DIGEST = 20;
const SIZES: Readonly<Record<string, number>> = { sha1: 20, sha256: 32, sha384: 48, sha512: 64 };

/** A list file, its digests apart from everything else. */
export interface SplitList {
  /** Hexadecimal, one per record. */
  readonly column: readonly string[];
  readonly rest: Buffer;
}

/**
 * Takes the digests of `bank` out of a binary list: they are the only difference between the files of one boot. Written
 * for lists of a kernel we booted ourselves: hostile bytes end in a RangeError at best.
 */
export function splitDigests(list: Buffer, bank: string): SplitList {
  const size = SIZES[bank];
  if (size === undefined) throw new Error(`no size for the digests of ${bank}`);
  const column: string[] = [];
  const rest: Buffer[] = [];
  for (let at = 0; at < list.length; ) {
    const digestEnd = at + 4 + size;
    const nameEnd = digestEnd + 4 + list.readUInt32LE(digestEnd);
    const isLegacy = list.toString("latin1", digestEnd + 4, nameEnd) === "ima";
    const lengthAt = isLegacy ? nameEnd + LEGACY_DIGEST : nameEnd;
    const end = lengthAt + 4 + list.readUInt32LE(lengthAt);
    column.push(list.toString("hex", at + 4, digestEnd));
    rest.push(list.subarray(at, at + 4), list.subarray(digestEnd, end));
    at = end;
  }
  return { column, rest: Buffer.concat(rest) };
}
