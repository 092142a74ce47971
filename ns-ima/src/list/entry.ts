// SPDX-License-Identifier: Apache-2.0

import type { BytePath, FileDigest } from "../log/event.ts";

/** The PCR that IMA extends unless a rule says otherwise (CONFIG_IMA_MEASURE_PCR_IDX), and the only one read here. */
export const IMA_PCR = 10;

/** The templates that are read: `d-ng|n-ng`, with `sig` or `buf` after it. */
export type TemplateName = "ima-ng" | "ima-sig" | "ima-buf";

/**
 * What one record of the host list says.
 *
 * The digest that is extended covers the fields, not the header: `pcr` is proven by the replay only, `template` by the
 * shape of the fields. Of a violation (`digest` is null) the kernel hashes nothing at all: the path, signature and
 * buffer of a violation are whatever the sender wrote. Only that it is there, and where, can be relied on.
 */
export interface EntryContent {
  readonly pcr: number;
  readonly template: TemplateName;
  /**
   * Digest of the file's content, or of `buffer`. Null for a violation. All zero where the kernel could not read the
   * file (O_DIRECT, SysV shared memory): such a digest names no content. The file's extended attributes choose the
   * algorithm, so it may be any that the kernel has.
   */
  readonly digest: FileDigest | null;
  /** Path with `_` for spaces, or the name of a buffer or keyring. Whoever caused the record may have chosen it. */
  readonly path: BytePath;
  /** The file's IMA or portable EVM signature, not verified. Null when there is none. */
  readonly signature: Uint8Array | null;
  /** What was measured when it was not a file; `digest` is its digest. Null for a file. */
  readonly buffer: Uint8Array | null;
}

/**
 * A record of the host list whose data has the digest that the list gives for it. Nothing is authentic before
 * `replayList` has matched it. The byte fields are views into the list that was parsed.
 */
export interface ListEntry extends EntryContent {
  /** SHA-1 of the template data as the list gives it; zeros for a violation. */
  readonly listDigest: Uint8Array;
  /** SHA-256 of the template data, which is what the SHA-256 bank was extended with; zeros for a violation. */
  readonly templateDigest: Uint8Array;
  /** The kernel could not say what was executed: the file was open for writing as well. */
  readonly violation: boolean;
  /** Offset of the record's end in the bytes that were parsed. */
  readonly end: number;
}

/**
 * True for the record with which a boot's list begins: `entry` is the list's first and calls itself `boot_aggregate`.
 * A file may bear that name; anywhere else in the list it is a file like any other.
 *
 * Does not check the aggregate, which is all zero when the kernel found no PCR bank for it.
 */
export function isBootAggregate(entry: EntryContent, index: number): boolean {
  return index === 0 && entry.digest !== null && entry.path === "boot_aggregate";
}
