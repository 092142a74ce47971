// SPDX-License-Identifier: Apache-2.0

import { Buffer } from "node:buffer";
import { ByteReader, ByteWriter, isHashName } from "@nsattest/tpm";
import { NsImaError } from "../error.ts";
import { LEGACY_PATH_MAX } from "../limits.ts";
import type { FileDigest } from "../log/event.ts";
import { bytePathFromBytes, bytePathToBytes } from "./byte-path.ts";
import { digestOf } from "./digest.ts";
import type { EntryContent, TemplateField } from "./entry.ts";
import type { Template } from "./template.ts";
import type { FieldRule } from "./template-field.ts";

/** What is said in a record besides what its header says. */
export type TemplateData = Pick<EntryContent, "path" | "signature" | "buffer" | "others"> & {
  readonly digest: FileDigest;
};

/** Size of the digest in a record of the template `ima`. */
export const LEGACY_DIGEST_SIZE = 20;
const NOTHING = new Uint8Array();

/**
 * Reads the fields of record number `index`, and no byte more. What is returned owns its memory.
 *
 * @throws NsImaError `LIST_TEMPLATE_FIELDS`
 */
export function decodeTemplateData(
  template: Template,
  data: Uint8Array,
  index: number,
): TemplateData {
  try {
    return template.legacy ? readLegacy(new ByteReader(data)) : readFields(template, data);
  } catch (cause) {
    throw new NsImaError(
      "LIST_TEMPLATE_FIELDS",
      `record ${index} is no ${template.name}: ${cause}`,
      { cause },
    );
  }
}

function readFields({ name, fields }: Template, data: Uint8Array): TemplateData {
  const reader = new ByteReader(data);
  let digest: FileDigest = { algorithm: "", value: NOTHING };
  let path = "";
  let signature: Uint8Array | null = null;
  let buffer: Uint8Array | null = null;
  let others: TemplateField[] = NO_FIELDS;
  for (const { id, rule } of fields) {
    const value = reader.bytes(reader.u32le());
    switch (rule.part) {
      case "digest":
        digest = rule.read(value);
        break;
      case "path":
        path = rule.read(value);
        break;
      case "signature":
        signature = rule.read(value);
        break;
      case "buffer":
        buffer = rule.read(value);
        break;
      case "other":
        others = [...others, { id, value: rule.read(value) }];
        break;
    }
  }
  reader.end();
  if (name === "ima-buf" && buffer !== null) checkBuffer(buffer, digest);
  return { digest, path, signature, buffer, others };
}

/** Shared by the contents that have none, which are nearly all; nobody adds to it. */
const NO_FIELDS: TemplateField[] = [];

/**
 * The kernel hashes a buffer as it puts it into the record (ima_main.c, process_buffer_measurement), so a signed file
 * that was relabelled `ima-buf` on the way is found out. An empty buffer is a file that a rule measures with this
 * template.
 */
function checkBuffer(buffer: Uint8Array, { algorithm, value }: FileDigest): void {
  if (!isHashName(algorithm)) throw new Error("buf has a digest that cannot be checked");
  if (Buffer.compare(digestOf(algorithm, buffer), value) !== 0) {
    throw new Error("buf does not have the digest of d-ng");
  }
}

/** The layout of `ima`: SHA-1 digest, length of the path, path without NUL. */
function readLegacy(reader: ByteReader): TemplateData {
  const digest = { algorithm: "sha1", value: new Uint8Array(reader.bytes(LEGACY_DIGEST_SIZE)) };
  const bytes = reader.bytes(reader.u32le());
  reader.end();
  if (bytes.length > LEGACY_PATH_MAX || bytes.includes(0)) throw new Error("this is no path");
  return { digest, path: bytePathFromBytes(bytes), signature: null, buffer: null, others: [] };
}

/** Inverse of {@link decodeTemplateData}; writes what it is given, also what the other refuses. */
export function encodeTemplateData(template: Template, content: TemplateData): Uint8Array {
  const writer = new ByteWriter();
  if (template.legacy) {
    const path = bytePathToBytes(content.path);
    return writer.bytes(content.digest.value).u32le(path.length).bytes(path).finish();
  }
  let others = 0;
  for (const { rule } of template.fields) {
    const other = rule.part === "other" ? content.others[others++] : undefined;
    const value = writeField(rule, content, other?.value ?? NOTHING);
    writer.u32le(value.length).bytes(value);
  }
  return writer.finish();
}

function writeField(rule: FieldRule, content: TemplateData, other: Uint8Array): Uint8Array {
  switch (rule.part) {
    case "digest":
      return rule.write(content.digest);
    case "path":
      return rule.write(content.path);
    case "signature":
      return rule.write(content.signature);
    case "buffer":
      return rule.write(content.buffer);
    case "other":
      return rule.write(other);
  }
}

/**
 * The bytes that the kernel hashes of a record: its data, or for `ima` the digest and the path in 256 bytes of zeros
 * (`ima_crypto.c`, ima_calc_field_array_hash).
 */
export function hashedBytes(template: Template, data: Uint8Array): Uint8Array {
  if (!template.legacy) return data;
  const hashed = new Uint8Array(LEGACY_DIGEST_SIZE + LEGACY_PATH_MAX + 1);
  const reader = new ByteReader(data);
  hashed.set(reader.bytes(LEGACY_DIGEST_SIZE));
  hashed.set(reader.bytes(reader.u32le()), LEGACY_DIGEST_SIZE);
  return hashed;
}
