// SPDX-License-Identifier: Apache-2.0

import { NsImaError } from "../error.ts";
import { latin1DigestOf } from "./digest.ts";
import { BOOT_AGGREGATE } from "./entry.ts";
import { readContent } from "./entry-content.ts";
import { listDigestOf } from "./measurement-list.ts";
import { RecordReader } from "./record-reader.ts";
import type { ListState } from "./replay.ts";

/**
 * Why no prefix of `bytes` leads from `state` to the quoted values, as well as can be told. A guess for people: nobody
 * vouches for these bytes. Costs as much as reading all of them, so it is for lists that were refused.
 */
export function mismatch({ pins, entries }: ListState, bytes: Uint8Array): NsImaError {
  const column = "sha1";
  const options = { templates: pins.templates, firstIndex: entries, column } as const;
  const reader = new RecordReader(bytes, options);
  const unexplained = new NsImaError(
    "LIST_REPLAY_MISMATCH",
    "no prefix of the new records leads to the quoted values: the list was changed, is of another boot, or the kernel could not extend",
  );
  if (!reader.next()) return unexplained;
  const first = readContent(reader, latin1DigestOf("sha256", reader.hashed));
  const begins = first.path === BOOT_AGGREGATE;
  if (entries === 0 && !begins) {
    return new NsImaError("LIST_HEAD_MISSING", "the list does not begin with boot_aggregate");
  }
  if (entries > 0 && begins) {
    return new NsImaError("LIST_SHRANK", `the list begins anew where record ${entries} should be`);
  }
  try {
    do listDigestOf(bytes, reader, column);
    while (reader.next());
  } catch (error) {
    // Its own errors only: what is behind a record that can be read was not looked at before.
    return error as NsImaError;
  }
  return unexplained;
}
