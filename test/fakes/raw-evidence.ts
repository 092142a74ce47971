// SPDX-License-Identifier: Apache-2.0

import type { LogRecord } from "@nsattest/ns-ima";
import { type Evidence, PROTOCOL_VERSION } from "@nsattest/protocol";
import { array, bytes, map, NOTHING, number, type RawCbor, text } from "./raw-cbor.ts";

/** The fields of an evidence as they are written, by name and in their order: a forgery changes what it likes. */
export type RawFields = Map<string, RawCbor>;

export function rawFields(evidence: Evidence): RawFields {
  return new Map<string, RawCbor>([
    ["v", number(PROTOCOL_VERSION)],
    ["bootId", text(evidence.bootId)],
    ["nonce", bytes(evidence.nonce)],
    ["attest", bytes(evidence.attest)],
    ["signature", bytes(evidence.signature)],
    [
      "pcrs",
      array(
        ...evidence.pcrs.map(({ bank, index, value }) =>
          array(text(bank), number(index), bytes(value)),
        ),
      ),
    ],
    ["listOffset", number(evidence.listOffset)],
    ["list", bytes(evidence.list)],
    ["logOffset", number(evidence.logOffset)],
    ["batches", array(...evidence.batches.map((batch) => array(...batch.map(rawRecord))))],
    ["bootLog", evidence.bootLog === null ? NOTHING : bytes(evidence.bootLog)],
  ]);
}

export function rawRecord({ tag, salt, event }: LogRecord): RawCbor {
  return array(bytes(tag), bytes(salt), bytes(event));
}

/** The body that the fields make. */
export function rawEvidence(fields: RawFields): Uint8Array {
  return map(...Array.from(fields, ([key, value]) => [text(key), value] as const));
}
