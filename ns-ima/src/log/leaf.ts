// SPDX-License-Identifier: Apache-2.0

import { Buffer } from "node:buffer";
import { hash } from "node:crypto";
import { NsImaError } from "../error.ts";
import type { LogRecord } from "./event.ts";

/** Bytes of a tag and of a salt. */
export const TAG_SIZE = 32;

const LEAF = 0x00;
const EVENT = 0x01;
const HEAD = 1 + TAG_SIZE;

/** Where records are put together to be hashed; longer ones get memory of their own. */
const scratch = Buffer.allocUnsafeSlow(4096);

/**
 * Leaf of one record, the same for all banks: `SHA-256(0x00 || tag || SHA-256(0x01 || salt || event))`.
 *
 * The inner hash lets an event be withheld from those whom it does not concern: its tag and inner hash are enough to
 * replay the log, and the salt keeps a short event from being guessed.
 *
 * @throws NsImaError `LOG_RECORD` unless tag and salt have 32 bytes each: with other lengths one leaf would have
 *   several readings
 */
export function leafHash(record: LogRecord): Uint8Array {
  if (record.tag.length !== TAG_SIZE || record.salt.length !== TAG_SIZE) {
    throw new NsImaError("LOG_RECORD", `a tag and a salt have ${TAG_SIZE} bytes each`);
  }
  const inner = bytesFor(HEAD + record.event.length);
  inner[0] = EVENT;
  inner.set(record.salt, 1);
  inner.set(record.event, HEAD);
  // As text of one character a byte, the form in which it is fastest, several times.
  const digest = hash("sha256", inner, "binary");
  const outer = bytesFor(HEAD + digest.length);
  outer[0] = LEAF;
  outer.set(record.tag, 1);
  outer.write(digest, HEAD, "latin1");
  return new Uint8Array(Buffer.from(hash("sha256", outer, "binary"), "latin1"));
}

function bytesFor(size: number): Buffer {
  return size <= scratch.length ? scratch.subarray(0, size) : Buffer.allocUnsafeSlow(size);
}
