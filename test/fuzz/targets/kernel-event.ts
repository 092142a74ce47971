// SPDX-License-Identifier: Apache-2.0

import { AgentError } from "../../../agent/src/error.ts";
import { decodeKernelEvent } from "../../../agent/src/monitor/source/kernel-event.ts";
import { RingReader } from "../../../agent/src/monitor/source/ring.ts";
import { ringRecord } from "../../../agent/test/ring-record.ts";
import type { Random } from "../engine/random.ts";
import { type FuzzTarget, promise } from "../engine/target.ts";
import { integerBytes } from "../mutate/bytes.ts";
import { sizedMutator } from "../mutate/sized.ts";
import { promiseOwnMemory } from "./owned-memory.ts";
import { joinParts, partsOf } from "./parts.ts";

const PAGE = 4096;
const RING_SIZE = 4096;
const RECORDS = 16;

/** Memory of the kernel's ring, and the records in it. The first part of an input is the producer's position. */
export function kernelEvent(): FuzzTarget {
  const records = [
    ringRecord(),
    ringRecord({ kind: 4, path: "" }),
    ringRecord({ kind: 5, path: "", digest: new Uint8Array(64).fill(1) }),
    ringRecord({ kind: 5, path: "", flags: 16, digest: new Uint8Array(64) }),
    ringRecord({ kind: 2, flags: 12, algorithm: 0xffff_fff0, path: "/a\xff b" }),
  ];
  return {
    name: "kernel-event",
    seeds: [ring(records), ...records.map((record) => ring([record]))],
    mutators: [sizedMutator({ width: 4, little: true }, { width: 2, little: false })],
    generate: (random) => ring(records, 8 * random.below(2 * RING_SIZE), random),
    inputMax: 2 * RING_SIZE,
    errors: ["AgentError"],
    run(input) {
      const [position = input, data = input] = partsOf(input, 2);
      const reader = ringOf(position, data);
      const { records: read, position: next } = reader.read(0, RECORDS);
      promise(next >= 0 && read.length <= RECORDS, "the ring runs backwards or over");
      promiseOwnMemory(read, input);
      return read.map(eventOf).slice(0, 3).join(" ");
    },
  };
}

/** An input whose ring holds `records`, one after the other, with flags that `random` chooses. */
function ring(records: readonly Uint8Array[], produced?: number, random?: Random): Uint8Array {
  const data = records.flatMap((record) => {
    const flags = random?.oneIn(4) ? random.pick([0x80, 0x40, 0xc0]) : 0;
    const header = integerBytes(record.length, 4, true).with(3, flags);
    const padding = new Uint8Array((8 - (record.length % 8)) % 8);
    return [...header, 0, 0, 0, 0, ...record, ...padding];
  });
  return joinParts(integerBytes(produced ?? data.length, 8, true), Uint8Array.from(data));
}

function ringOf(position: Uint8Array, data: Uint8Array): RingReader {
  const producer = new ArrayBuffer(PAGE + 2 * RING_SIZE);
  const bytes = new Uint8Array(producer);
  bytes.set(position.subarray(0, 8));
  // Data is mapped twice, one behind the other.
  bytes.set(data.subarray(0, RING_SIZE), PAGE);
  bytes.set(data.subarray(0, RING_SIZE), PAGE + RING_SIZE);
  return new RingReader(new ArrayBuffer(PAGE), producer, RING_SIZE);
}

function eventOf(record: Uint8Array): string {
  try {
    const event = decodeKernelEvent(record);
    promiseOwnMemory(event, record);
    return event.kind === "measured" ? `measured ${event.violation}` : event.how;
  } catch (error) {
    if (error instanceof AgentError)
      return String((error.cause as Error).message).replace(/\d+/g, "");
    throw error;
  }
}
