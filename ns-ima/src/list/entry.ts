// SPDX-License-Identifier: Apache-2.0

import type { BytePath, FileDigest } from "../log/event.ts";

/** The PCR that IMA extends unless a rule says otherwise (CONFIG_IMA_MEASURE_PCR_IDX). */
export const IMA_PCR = 10;

/** A field that is neither digest, path, signature nor buffer, as it stands in the record. */
export interface TemplateField {
  /** The kernel's, such as `iuid`. One that is not known here is kept like the others. */
  readonly id: string;
  readonly value: Uint8Array;
}

/**
 * What one record of the host list says, wherever it says so: equal records, of whatever node, may be the same object,
 * so what is derived from a content may be remembered by it. It owns its memory and never changes, but for `clearedBy`.
 *
 * The digest that is extended covers the fields, not the header: `template` is proven by the shape of the fields only.
 * Of a violation the kernel hashes nothing at all: template, path, signature and buffer are whatever the sender wrote.
 * Only that it is there, and where, can be relied on.
 */
export interface EntryContent {
  /** One of the kernel's names, or a format such as `d-ng|n-ng|iuid`. */
  readonly template: string;
  /** `buffer` when what was measured was not a file: a key, a command line. A file may have any name. */
  readonly kind: "file" | "buffer";
  /** The kernel could not say what was executed: the file was open for writing as well. */
  readonly violation: boolean;
  /** SHA-256 of what the kernel hashes of the record; zeros for a violation. */
  readonly templateDigest: Uint8Array;
  /**
   * Digest of the file's content, or of `buffer`. Null for a violation. All zero where the kernel could not read the
   * file (O_DIRECT, SysV shared memory): such a digest names no content. The file's extended attributes choose the
   * algorithm, so it may be any that the kernel has. An fs-verity digest is no digest of the content: its algorithm
   * begins with `verity:`.
   */
  readonly digest: FileDigest | null;
  /** Path with `_` for spaces, or the name of a buffer or keyring. Whoever caused the record may have chosen it. */
  readonly path: BytePath;
  /** The file's IMA or portable EVM signature, not verified. Null when there is none. */
  readonly signature: Uint8Array | null;
  /** What was measured when it was not a file; `digest` is its digest. Null for a file. */
  readonly buffer: Uint8Array | null;
  /** The other fields, in their order. Their form is checked, and nothing else. */
  readonly others: readonly TemplateField[];
  /**
   * Who has looked at the content last and found nothing to say about it, compared by identity: so that whoever meets it
   * on a thousand nodes looks once. It holds nothing of the content, and is nobody's word but its own.
   */
  clearedBy?: object | undefined;
}

/** A content and the record it was read from. Nothing is authentic before `replayList` has matched it. */
export interface ListEntry extends EntryContent {
  readonly pcr: number;
  /** Digest of the record as the list gives it; zeros for a violation. */
  readonly listDigest: Uint8Array;
  /** Offset of the record's end in the bytes that were parsed. */
  readonly end: number;
}

/** What the record with which a list begins calls itself. A file may bear that name. */
export const BOOT_AGGREGATE = "boot_aggregate";

/**
 * True for a record that says what was booted: it calls itself `boot_aggregate` and has an aggregate, which is all zero
 * when the kernel found no PCR bank for it.
 *
 * A file may bear that name. The record with which a list begins is the kernel's; one further on may be that of a
 * kernel started by kexec, or a file.
 */
export function isBootAggregate({ digest, path }: Pick<EntryContent, "digest" | "path">): boolean {
  return path === BOOT_AGGREGATE && digest?.value.some((byte) => byte !== 0) === true;
}
