// SPDX-License-Identifier: Apache-2.0

import { Buffer } from "node:buffer";
import { imaPath } from "../list/byte-path.ts";
import type { BytePath } from "../log/event.ts";

/** SHA-256 digests by path or name. A path without digests is known, and never allowed. */
export interface DigestTable {
  /** Whether nothing could be allowed by it. */
  readonly isEmpty: boolean;
  has(path: BytePath): boolean;
  /** Whether `digest` is one of those of `path`. */
  allows(path: BytePath, digest: Uint8Array): boolean;
  /** Those of `path`, in hex; none for a path that is not known. */
  expected(path: BytePath): readonly string[];
  /** Every path with its digests in hex, made while they are read. A path may come more than once. */
  entries(): Iterable<readonly [path: BytePath, digests: readonly string[]]>;
}

const SIZE = 32;
const HEX_DIGEST = /.{64}/g;

/** A table of digests in hex, by path. Keeps 32 bytes for each: policies have them by the hundred thousand. */
export function digestTable(digests: ReadonlyMap<BytePath, readonly string[]>): DigestTable {
  const bytes = Buffer.alloc(SIZE * sum([...digests.values()].map(({ length }) => length)));
  // Where the digests of each path begin in `bytes`, and where those of the last one end.
  const bounds = Buffer.alloc(4 * (digests.size + 1));
  const paths = new Map<BytePath, number>();
  let end = 0;
  for (const [path, list] of digests) {
    paths.set(path, 4 * paths.size);
    for (const hex of list) {
      bytes.write(hex, end, "hex");
      end += SIZE;
    }
    bounds.writeUInt32LE(end, 4 * paths.size);
  }
  const isIn = (row: number, digest: Uint8Array): boolean => {
    const end = bounds.readUInt32LE(row + 4);
    for (let at = bounds.readUInt32LE(row); at < end; at += SIZE) {
      if (bytes.compare(digest, 0, digest.length, at, at + SIZE) === 0) return true;
    }
    return false;
  };
  const hexOf = (row: number): readonly string[] => {
    const hex = bytes.toString("hex", bounds.readUInt32LE(row), bounds.readUInt32LE(row + 4));
    return hex.match(HEX_DIGEST) ?? [];
  };

  return {
    isEmpty: end === 0,
    has: (path) => paths.has(path),
    allows(path, digest) {
      const row = paths.get(path);
      return row !== undefined && isIn(row, digest);
    },
    expected(path) {
      const row = paths.get(path);
      return row === undefined ? [] : hexOf(row);
    },
    *entries() {
      for (const [path, row] of paths) yield [path, hexOf(row)] as const;
    },
  };
}

/**
 * The same digests by the paths that IMA writes, where those of all paths that it writes alike count; `table` itself
 * where no path has a space.
 */
export function imaDigestTable(
  digests: ReadonlyMap<BytePath, readonly string[]>,
  table: DigestTable,
): DigestTable {
  const spaced = [...digests].filter(([path]) => path.includes(" "));
  if (spaced.length === 0) return table;
  const written = new Map<BytePath, readonly string[]>();
  for (const [path, list] of spaced) {
    const folded = imaPath(path);
    written.set(folded, [...(written.get(folded) ?? digests.get(folded) ?? []), ...list]);
  }
  const folded = digestTable(written);
  // Every other path is as it was; one with a space IMA never writes.
  const of = (path: BytePath): DigestTable => (folded.has(path) ? folded : table);
  const isWritten = (path: BytePath): boolean => !path.includes(" ");
  return {
    isEmpty: table.isEmpty,
    has: (path) => isWritten(path) && of(path).has(path),
    allows: (path, digest) => isWritten(path) && of(path).allows(path, digest),
    expected: (path) => (isWritten(path) ? of(path).expected(path) : []),
    *entries() {
      for (const [path, list] of table.entries()) yield [imaPath(path), list] as const;
    },
  };
}

/** Whatever either of two tables has. */
export function bothTables(one: DigestTable, other: DigestTable): DigestTable {
  return {
    isEmpty: one.isEmpty && other.isEmpty,
    has: (path) => one.has(path) || other.has(path),
    allows: (path, digest) => one.allows(path, digest) || other.allows(path, digest),
    expected: (path) => [...new Set([...one.expected(path), ...other.expected(path)])],
    *entries() {
      yield* one.entries();
      yield* other.entries();
    },
  };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
