// SPDX-License-Identifier: Apache-2.0

import { Buffer } from "node:buffer";
import { ByteReader, ByteWriter, isHashName } from "@nsattest/tpm";
import { NsImaError } from "../error.ts";
import type { BytePath, FileDigest } from "../log/event.ts";
import { bytePathFromBytes, bytePathToBytes } from "./byte-path.ts";
import { digestOf } from "./digest.ts";
import type { EntryContent, TemplateName } from "./entry.ts";

/** The part of a record that its template digest covers. */
export type TemplateData = Pick<EntryContent, "path" | "signature" | "buffer"> & {
  readonly digest: FileDigest;
};

const DIGEST_MAX = 64;
const ALGORITHM = /^[a-z0-9-]{1,32}$/;

// First byte of security.ima (3, 6) and of a portable signature in security.evm (5): ima_template_lib.c,
// ima_eventsig_init and ima_eventevmsig_init. Anything else the kernel leaves out.
const SIGNATURE_TYPES: readonly (number | undefined)[] = [3, 5, 6];

/**
 * Reads the fields of record number `index`, and no byte more.
 *
 * @throws NsImaError `LIST_TEMPLATE_FIELDS`
 */
export function decodeTemplateData(
  template: TemplateName,
  data: Uint8Array,
  index: number,
): TemplateData {
  try {
    const reader = new ByteReader(data);
    const digest = readDigest(reader);
    const path = readPath(reader);
    const signature = template === "ima-sig" ? readSignature(reader) : null;
    const buffer = template === "ima-buf" ? readBuffer(reader, digest) : null;
    reader.end();
    return { digest, path, signature, buffer };
  } catch (cause) {
    throw new NsImaError("LIST_TEMPLATE_FIELDS", `record ${index} is no ${template}: ${cause}`, {
      cause,
    });
  }
}

/** Inverse of {@link decodeTemplateData}; writes what it is given, also what the other refuses. */
export function encodeTemplateData(template: TemplateName, content: TemplateData): Uint8Array {
  const writer = new ByteWriter();
  const { algorithm, value } = content.digest;
  const prefix = Buffer.from(`${algorithm}:\0`, "latin1");
  writer
    .u32le(prefix.length + value.length)
    .bytes(prefix)
    .bytes(value);
  const path = bytePathToBytes(content.path);
  writer
    .u32le(path.length + 1)
    .bytes(path)
    .u8(0);
  if (template !== "ima-ng") {
    const last = (template === "ima-sig" ? content.signature : content.buffer) ?? new Uint8Array();
    writer.u32le(last.length).bytes(last);
  }
  return writer.finish();
}

/** `d-ng`: algorithm, colon, NUL, digest. */
function readDigest(reader: ByteReader): FileDigest {
  const length = reader.u32le();
  const end = reader.offset + length;
  const colon = reader.rest.indexOf(0x3a);
  const algorithm = bytePathFromBytes(reader.bytes(Math.max(colon, 0)));
  if (!ALGORITHM.test(algorithm)) throw new Error("d-ng does not begin with an algorithm");
  reader.u8();
  if (reader.u8() !== 0) throw new Error("d-ng has no NUL after the algorithm");
  const value = reader.bytes(end - reader.offset);
  if (value.length === 0 || value.length > DIGEST_MAX) {
    throw new Error(`d-ng has a digest of ${value.length} bytes`);
  }
  return { algorithm, value };
}

/** `n-ng`: path and the NUL that ends it. */
function readPath(reader: ByteReader): BytePath {
  const length = reader.u32le();
  const path = bytePathFromBytes(reader.bytes(length - 1));
  if (reader.u8() !== 0 || path.includes("\0")) {
    throw new Error("n-ng does not end at its first NUL");
  }
  return path;
}

function readSignature(reader: ByteReader): Uint8Array | null {
  const bytes = reader.bytes(reader.u32le());
  if (bytes.length === 0) return null;
  if (!SIGNATURE_TYPES.includes(bytes[0])) throw new Error("sig holds no signature");
  return bytes;
}

/**
 * The kernel hashes a buffer as it puts it into the record (ima_main.c, process_buffer_measurement), so a signed file
 * that was relabelled `ima-buf` on the way is found out. An empty buffer is a file that a rule measures with this
 * template.
 */
function readBuffer(reader: ByteReader, { algorithm, value }: FileDigest): Uint8Array | null {
  const bytes = reader.bytes(reader.u32le());
  if (bytes.length === 0) return null;
  if (!isHashName(algorithm)) throw new Error("buf has a digest that cannot be checked");
  if (Buffer.compare(digestOf(algorithm, bytes), value) !== 0) {
    throw new Error("buf does not have the digest of d-ng");
  }
  return bytes;
}
