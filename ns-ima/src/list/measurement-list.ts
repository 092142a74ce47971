// SPDX-License-Identifier: Apache-2.0

import { Buffer } from "node:buffer";
import { ByteReader } from "@nsattest/tpm";
import { NsImaError } from "../error.ts";
import { LIST_DATA_MAX, LIST_NAME_MAX } from "../limits.ts";
import { bytePathFromBytes, displayPath } from "./byte-path.ts";
import { digestOf } from "./digest.ts";
import type { ListEntry, TemplateName } from "./entry.ts";
import { decodeTemplateData } from "./template-field.ts";

/** PCRs of a TPM as Linux numbers them; a record that names a higher one is not a record. */
const PCR_COUNT = 32;

const TEMPLATES: ReadonlyMap<string, TemplateName> = new Map(
  (["ima-ng", "ima-sig", "ima-buf"] as const).map((name) => [name, name]),
);

const ZERO_SHA1 = new Uint8Array(20);

export interface MeasurementList {
  readonly entries: readonly ListEntry[];
  /** Bytes of whole records. What follows is the beginning of a record: parse it again once more of it is there. */
  readonly consumed: number;
}

export interface ParseListOptions {
  /** Index in the host list of the first record in these bytes, for error messages. */
  readonly firstIndex?: number;
}

/**
 * Reads `binary_runtime_measurements`, or any part of it that begins at a record: little-endian, SHA-1 column.
 *
 * Checks that each record's fields are those of its template and that its data has the digest of the list. That proves
 * nothing about where the list comes from; only `replayList` does. A last record that is not complete is left
 * unconsumed, and refused as soon as the part that is there is wrong.
 *
 * @throws NsImaError `LIST_PCR`, `LIST_LIMIT`, `LIST_TEMPLATE_UNSUPPORTED`, `LIST_TEMPLATE_FIELDS`,
 *   `LIST_TEMPLATE_DIGEST`
 */
export function parseMeasurementList(
  bytes: Uint8Array,
  { firstIndex = 0 }: ParseListOptions = {},
): MeasurementList {
  const reader = new ByteReader(bytes);
  const entries: ListEntry[] = [];
  let consumed = 0;
  for (;;) {
    const entry = readRecord(reader, firstIndex + entries.length);
    if (entry === null) return { entries, consumed };
    entries.push(entry);
    consumed = entry.end;
  }
}

/** The next record, or null when not all of it is there. */
function readRecord(reader: ByteReader, index: number): ListEntry | null {
  if (reader.remaining < 4) return null;
  const pcr = reader.u32le();
  if (pcr >= PCR_COUNT) {
    throw new NsImaError(
      "LIST_PCR",
      `record ${index} begins with ${pcr}, no little-endian PCR number`,
    );
  }

  if (reader.remaining < 24) return null;
  const listDigest = reader.bytes(20);
  const nameLength = readLength(reader, LIST_NAME_MAX, index);
  if (reader.remaining < nameLength) return null;
  const template = templateOf(reader.bytes(nameLength), index);

  if (reader.remaining < 4) return null;
  const dataLength = readLength(reader, LIST_DATA_MAX, index);
  if (reader.remaining < dataLength) return null;
  const data = reader.bytes(dataLength);

  const fields = decodeTemplateData(template, data, index);
  const violation = Buffer.compare(listDigest, ZERO_SHA1) === 0;
  if (!violation && Buffer.compare(listDigest, digestOf("sha1", data)) !== 0) {
    throw new NsImaError("LIST_TEMPLATE_DIGEST", `record ${index} does not have its digest`);
  }
  return {
    pcr,
    template,
    digest: violation ? null : fields.digest,
    path: fields.path,
    signature: fields.signature,
    buffer: fields.buffer,
    listDigest,
    templateDigest: violation ? new Uint8Array(32) : digestOf("sha256", data),
    violation,
    end: reader.offset,
  };
}

/** A length, refused before anybody waits for that many bytes. */
function readLength(reader: ByteReader, limit: number, index: number): number {
  const length = reader.u32le();
  if (length > limit) {
    throw new NsImaError(
      "LIST_LIMIT",
      `record ${index} declares ${length} bytes, at most ${limit}`,
    );
  }
  return length;
}

function templateOf(bytes: Uint8Array, index: number): TemplateName {
  const name = bytePathFromBytes(bytes);
  const template = TEMPLATES.get(name);
  if (template === undefined) {
    throw new NsImaError(
      "LIST_TEMPLATE_UNSUPPORTED",
      `record ${index} has the template "${displayPath(name)}"; supported: ${[...TEMPLATES.keys()].join(", ")}`,
    );
  }
  return template;
}
