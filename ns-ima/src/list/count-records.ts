// SPDX-License-Identifier: Apache-2.0

import { RecordReader } from "./record-reader.ts";

/**
 * Number of whole records at the beginning of `bytes` (SHA-1 column, any template), and how many bytes they have.
 *
 * @throws NsImaError `LIST_PCR`, `LIST_BIG_ENDIAN`, `LIST_LIMIT`
 */
export function countRecords(bytes: Uint8Array): {
  readonly entries: number;
  readonly bytes: number;
} {
  const reader = new RecordReader(bytes, { templates: null, firstIndex: 0, column: "sha1" });
  while (reader.next());
  return { entries: reader.index, bytes: reader.end };
}
