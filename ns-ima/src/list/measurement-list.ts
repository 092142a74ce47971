// SPDX-License-Identifier: Apache-2.0

import { Buffer } from "node:buffer";
import { ByteReader, HASH_ALGORITHMS, type HashName } from "@nsattest/tpm";
import { NsImaError } from "../error.ts";
import { digestOf, latin1DigestOf } from "./digest.ts";
import type { ListEntry } from "./entry.ts";
import { readContent } from "./entry-content.ts";
import { DEFAULT_LIST_PINS } from "./list-pins.ts";
import { RecordReader } from "./record-reader.ts";
import type { Template } from "./template.ts";

export interface MeasurementList {
  readonly entries: readonly ListEntry[];
  /** Bytes of whole records. What follows is the beginning of a record: parse it again once more of it is there. */
  readonly consumed: number;
}

export interface ParseListOptions {
  readonly templates?: readonly Template[];
  /** Index in the host list of the first record in these bytes, for error messages. */
  readonly firstIndex?: number;
  /** Whose digests the list shows: those of SHA-1, unless it was read from a file of another bank (kernel 6.10+). */
  readonly column?: HashName;
}

/**
 * Reads a little-endian measurement list, or any part of it that begins at a record, for whoever wants to see all of it.
 *
 * Checks that each record's fields are those of its template and that its data has the digest of the list. That proves
 * nothing about where the list comes from; only `replayList` does. A last record that is not complete is left
 * unconsumed, and refused as soon as the part that is there is wrong.
 *
 * @throws NsImaError `LIST_PCR`, `LIST_BIG_ENDIAN`, `LIST_LIMIT`, `LIST_TEMPLATE_UNSUPPORTED`, `LIST_TEMPLATE_FIELDS`,
 *   `LIST_TEMPLATE_DIGEST`
 */
export function parseMeasurementList(
  bytes: Uint8Array,
  options: ParseListOptions = {},
): MeasurementList {
  const { templates = DEFAULT_LIST_PINS.templates, firstIndex = 0, column = "sha1" } = options;
  const reader = new RecordReader(bytes, { templates, firstIndex, column });
  const entries: ListEntry[] = [];
  while (reader.next()) {
    const listDigest = listDigestOf(bytes, reader, column);
    const content = readContent(reader, latin1DigestOf("sha256", reader.hashed));
    entries.push({ ...content, pcr: reader.pcr, listDigest, end: reader.end });
  }
  return { entries, consumed: reader.end };
}

/**
 * The digest that the list gives for the record that `reader` stands behind: a copy.
 *
 * @throws NsImaError `LIST_TEMPLATE_DIGEST` when it is not that of the data, nor zeros
 */
export function listDigestOf(
  bytes: Uint8Array,
  { listDigestAt, violation, hashed, index }: RecordReader,
  column: HashName,
): Uint8Array {
  const reader = new ByteReader(bytes);
  reader.skip(listDigestAt);
  const listDigest = new Uint8Array(reader.bytes(HASH_ALGORITHMS[column].size));
  if (!violation && Buffer.compare(listDigest, digestOf(column, hashed)) !== 0) {
    throw new NsImaError("LIST_TEMPLATE_DIGEST", `record ${index - 1} does not have its digest`);
  }
  return listDigest;
}
