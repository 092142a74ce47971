// SPDX-License-Identifier: Apache-2.0

import { ByteReader } from "@nsattest/tpm";

/** One value of DER: its first byte and what is in it. */
interface DerValue {
  readonly tag: number;
  readonly content: ByteReader;
}

export const DerTag = {
  OCTET_STRING: 0x04,
  OBJECT_ID: 0x06,
  SEQUENCE: 0x30,
  EXTENSIONS: 0xa3,
} as const;

/**
 * Reads the value that `reader` stands before (X.690, 8.1). Tags of more than a byte are not told from others, for X.509
 * has none.
 *
 * @throws TpmError `BYTES_SHORT`, or Error for a length that is not DER's
 */
export function readDer(reader: ByteReader): DerValue {
  const tag = reader.u8();
  return { tag, content: new ByteReader(reader.bytes(readLength(reader))) };
}

/** As {@link readDer}, of a value with this tag. */
export function readDerOf(reader: ByteReader, tag: number): ByteReader {
  const value = readDer(reader);
  if (value.tag !== tag) throw new Error(`DER has the tag ${value.tag}, not ${tag}`);
  return value.content;
}

/** The shortest form only, and at most 3 bytes: 16 MiB are more than is read anywhere. */
function readLength(reader: ByteReader): number {
  const first = reader.u8();
  if (first < 0x80) return first;
  const size = first - 0x80;
  if (size < 1 || size > 3) throw new Error(`DER has a length of ${size} bytes`);
  let length = 0;
  for (let read = 0; read < size; read += 1) length = length * 256 + reader.u8();
  if (length < 0x80 || length < 256 ** (size - 1)) throw new Error("DER has a length too long");
  return length;
}
