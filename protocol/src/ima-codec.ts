// SPDX-License-Identifier: Apache-2.0

import {
  type BytePath,
  bytePathFromBytes,
  bytePathToBytes,
  type FileDigest,
  isNamespaceId,
  type LogRecord,
  type NamespaceId,
  TAG_SIZE,
} from "@nsattest/ns-ima";
import { HASH_ALGORITHMS, type HashName, type PcrValue } from "@nsattest/tpm";
import type { CborValue } from "./cbor.ts";
import { type Codec, invalid, rowOf } from "./codec.ts";
import { EVENT_MAX, PATH_MAX } from "./limits.ts";
import { bytes, integer, oneOf, text } from "./scalar-codec.ts";

const DIGEST_MIN = 16;
const DIGEST_MAX = 64;

/** A bank of a TPM that this project can replay. */
export const hashName: Codec<HashName, HashName> = oneOf(
  ...(Object.keys(HASH_ALGORITHMS) as HashName[]),
);

/** PCRs of a TPM. */
export const PCRS_MAX = 24;

export const pcrIndex: Codec<number, number> = integer(PCRS_MAX - 1);

export const namespaceId: Codec<NamespaceId, string> = text({ is: isNamespaceId });

export const bootId: Codec<string, string> = text({
  pattern: /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/,
});

/** A {@link BytePath} as a byte string: any bytes but NUL, which ends a path. */
export const bytePath: Codec<BytePath, Uint8Array> = {
  encode(value) {
    if (/[^\0-\xff]/.test(value)) throw invalid("path", "has characters that are no bytes");
    return bytePathToBytes(value);
  },
  decode(wire, at) {
    const value = bytes(0, PATH_MAX).decode(wire, at);
    if (value.includes(0)) throw invalid(at, "has a NUL");
    return bytePathFromBytes(value);
  },
};

/** `[algorithm, value]`; which algorithms are good enough is for the policy to say. */
export const fileDigest: Codec<FileDigest, readonly CborValue[]> = rowOf<FileDigest>({
  algorithm: text({ pattern: /^[a-z0-9-]{2,16}$/ }),
  value: bytes(DIGEST_MIN, DIGEST_MAX),
});

/** `[tag, salt, event]` */
export const logRecord: Codec<LogRecord, readonly CborValue[]> = rowOf<LogRecord>({
  tag: bytes(TAG_SIZE),
  salt: bytes(TAG_SIZE),
  event: bytes(1, EVENT_MAX),
});

const pcrRow = rowOf<PcrValue>({
  bank: hashName,
  index: pcrIndex,
  value: bytes(0, DIGEST_MAX),
});

/** `[bank, index, value]`, the value as long as the bank's digests. */
export const pcrValue: Codec<PcrValue, readonly CborValue[]> = {
  encode: pcrRow.encode,
  decode(wire, at) {
    const pcr = pcrRow.decode(wire, at);
    const { size } = HASH_ALGORITHMS[pcr.bank];
    if (pcr.value.length !== size) throw invalid(`${at}.value`, `has not ${size} bytes`);
    return pcr;
  },
};
