// SPDX-License-Identifier: Apache-2.0

import { ByteWriter } from "../bytes.ts";
import { HASH_ALGORITHMS, type HashName } from "../hash-algorithm.ts";
import { type MeasuredEvent, SPEC_ID } from "./event-log.ts";
import { EventType } from "./event-type.ts";

/** What a log is made of. */
export interface EventLogFields {
  readonly banks: readonly HashName[];
  /** Those of type `NO_ACTION` need no digests. */
  readonly events: readonly MeasuredEvent[];
}

/** A log as firmware writes it, for machines that are none. An event's missing digests are written as zeros. */
export function encodeEventLog({ banks, events }: EventLogFields): Uint8Array {
  const head = new ByteWriter().bytes(SPEC_ID).u32le(0).u32le(0x0200_0200).u32le(banks.length);
  for (const bank of banks) {
    const { id, size } = HASH_ALGORITHMS[bank];
    head.u16le(id).u16le(size);
  }
  const specification = head.u8(0).finish();
  const log = new ByteWriter()
    .u32le(0)
    .u32le(EventType.NO_ACTION)
    .bytes(new Uint8Array(HASH_ALGORITHMS.sha1.size))
    .u32le(specification.length)
    .bytes(specification);
  for (const { pcr, type, digests, data } of events) {
    log.u32le(pcr).u32le(type).u32le(banks.length);
    for (const bank of banks) {
      const { id, size } = HASH_ALGORITHMS[bank];
      log.u16le(id).bytes(digests.get(bank) ?? new Uint8Array(size));
    }
    log.u32le(data.length).bytes(data);
  }
  return log.finish();
}
