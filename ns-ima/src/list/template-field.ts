// SPDX-License-Identifier: Apache-2.0

import { Buffer } from "node:buffer";
import { hash } from "node:crypto";
import { ByteReader, ByteWriter, HASH_ALGORITHMS, isHashName } from "@nsattest/tpm";
import { NsImaError } from "../error.ts";
import type { BytePath, FileDigest } from "../log/event.ts";
import { bytePathFromBytes, bytePathToBytes } from "./byte-path.ts";
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
    const digest = decodeDigest(field(reader));
    const path = decodePath(field(reader));
    const signature = template === "ima-sig" ? decodeSignature(field(reader)) : null;
    const buffer = template === "ima-buf" ? decodeBuffer(field(reader), digest) : null;
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

function field(reader: ByteReader): Uint8Array {
  return reader.bytes(reader.u32le());
}

/** `d-ng`: algorithm, colon, NUL, digest. */
function decodeDigest(bytes: Uint8Array): FileDigest {
  const colon = bytes.indexOf(0x3a);
  const reader = new ByteReader(bytes);
  const algorithm = bytePathFromBytes(reader.bytes(Math.max(colon, 0)));
  if (!ALGORITHM.test(algorithm)) throw new Error("d-ng does not begin with an algorithm");
  reader.u8();
  if (reader.u8() !== 0) throw new Error("d-ng has no NUL after the algorithm");
  const value = reader.rest;
  if (value.length === 0 || value.length > DIGEST_MAX) {
    throw new Error(`d-ng has a digest of ${value.length} bytes`);
  }
  return { algorithm, value };
}

/** `n-ng`: path and the NUL that ends it. */
function decodePath(bytes: Uint8Array): BytePath {
  const length = bytes.length - 1;
  if (bytes.indexOf(0) !== length) throw new Error("n-ng does not end at its first NUL");
  return bytePathFromBytes(new ByteReader(bytes).bytes(length));
}

function decodeSignature(bytes: Uint8Array): Uint8Array | null {
  if (bytes.length === 0) return null;
  if (!SIGNATURE_TYPES.includes(bytes[0])) throw new Error("sig holds no signature");
  return bytes;
}

/**
 * The kernel hashes a buffer as it puts it into the record (ima_main.c, process_buffer_measurement), so a signed file
 * that was relabelled `ima-buf` on the way is found out. An empty buffer is a file that a rule measures with this
 * template.
 */
function decodeBuffer(bytes: Uint8Array, { algorithm, value }: FileDigest): Uint8Array | null {
  if (bytes.length === 0) return null;
  if (!isHashName(algorithm)) throw new Error("buf has a digest that cannot be checked");
  if (Buffer.compare(hash(HASH_ALGORITHMS[algorithm].node, bytes, "buffer"), value) !== 0) {
    throw new Error("buf does not have the digest of d-ng");
  }
  return bytes;
}
