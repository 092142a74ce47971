// SPDX-License-Identifier: Apache-2.0

import { Buffer } from "node:buffer";
import { ByteWriter, HASH_ALGORITHMS, type HashName } from "@nsattest/tpm";
import { NsImaError } from "../error.ts";
import { digestOf } from "./digest.ts";
import type { EntryContent } from "./entry.ts";
import { compileTemplate } from "./template.ts";
import { encodeTemplateData, hashedBytes } from "./template-data.ts";

/** What is written into one record. A violation is one whose digest is null. */
export type RecordFields = Pick<
  EntryContent,
  "template" | "digest" | "path" | "signature" | "buffer"
> &
  Partial<Pick<EntryContent, "others">> & { readonly pcr: number };

/** What the kernel writes as the file digest of a violation on a host with `ima_hash=sha256`. */
const NO_DIGEST = { algorithm: "sha256", value: new Uint8Array(32) };
const NO_LEGACY_DIGEST = { algorithm: "sha1", value: new Uint8Array(20) };

/**
 * One record of the host list as the kernel writes it, little-endian: inverse of `parseMeasurementList` for what the
 * kernel can write. Checks nothing but that the template is one, so that hostile lists can be made too; a path must have
 * its `_` for spaces already.
 *
 * @param column bank of the file that the record is to stand in
 * @throws NsImaError `LIST_TEMPLATE_UNSUPPORTED`
 */
export function encodeEntry(fields: RecordFields, column: HashName = "sha1"): Uint8Array {
  const { pcr, digest, others = [] } = fields;
  const template = compileTemplate(fields.template);
  if (!template) {
    throw new NsImaError("LIST_TEMPLATE_UNSUPPORTED", `"${fields.template}" is no template`);
  }
  const isBare = template.fields.some(({ id }) => id === "d");
  const data = encodeTemplateData(template, {
    ...fields,
    others,
    digest: digest ?? (isBare ? NO_LEGACY_DIGEST : NO_DIGEST),
  });
  const listDigest =
    digest === null
      ? new Uint8Array(HASH_ALGORITHMS[column].size)
      : digestOf(column, hashedBytes(template, data));
  const name = Buffer.from(template.nameBytes);
  const writer = new ByteWriter().u32le(pcr).bytes(listDigest).u32le(name.length).bytes(name);
  if (!template.legacy) writer.u32le(data.length);
  return writer.bytes(data).finish();
}
