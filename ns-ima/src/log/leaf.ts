// SPDX-License-Identifier: Apache-2.0

import { digest } from "@nsattest/tpm";
import { NsImaError } from "../error.ts";
import type { LogRecord } from "./event.ts";

/** Bytes of a tag and of a salt. */
export const TAG_SIZE = 32;

const LEAF = new Uint8Array([0x00]);
const EVENT = new Uint8Array([0x01]);

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
  return digest("sha256", LEAF, record.tag, digest("sha256", EVENT, record.salt, record.event));
}
