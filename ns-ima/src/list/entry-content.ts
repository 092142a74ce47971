// SPDX-License-Identifier: Apache-2.0

import { Buffer } from "node:buffer";
import type { EntryContent } from "./entry.ts";
import type { RecordReader } from "./record-reader.ts";
import { decodeTemplateData } from "./template-data.ts";

/** Template digest of a violation. */
const NO_DIGEST = new Uint8Array(32);

/**
 * The content of the record that `reader` stands behind, whose template digest (SHA-256) is `digest`, one character a
 * byte.
 *
 * @throws NsImaError `LIST_TEMPLATE_FIELDS`
 */
export function readContent(reader: RecordReader, digest: string): EntryContent {
  const { template, violation } = reader;
  const data = decodeTemplateData(template, reader.data, reader.index - 1);
  return {
    template: template.name,
    kind: template.name === "ima-buf" && data.buffer !== null ? "buffer" : "file",
    violation,
    templateDigest: violation ? NO_DIGEST : new Uint8Array(Buffer.from(digest, "latin1")),
    digest: violation ? null : data.digest,
    path: data.path,
    signature: data.signature,
    buffer: data.buffer,
    others: data.others,
    clearedBy: undefined,
  };
}
