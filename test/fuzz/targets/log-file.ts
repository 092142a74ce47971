// SPDX-License-Identifier: Apache-2.0

import { crc32 } from "node:zlib";
import {
  decodeFrames,
  encodeFrame,
  type LogFrame,
} from "../../../agent/src/monitor/log/log-frame.ts";
import type { Random } from "../engine/random.ts";
import { type FuzzTarget, promise } from "../engine/target.ts";
import { integerBytes } from "../mutate/bytes.ts";
import { sizedMutator } from "../mutate/sized.ts";
import { promiseViewsWithin } from "./owned-memory.ts";
import { eventBytes } from "./samples.ts";

/** The file of the namespace log: whatever stands in it, reading ends, and what was read is written the same. */
export function logFile(): FuzzTarget {
  const frames: LogFrame[] = eventBytes().map((event, index) => ({
    kind: "record",
    ringPosition: 64 * index,
    more: index % 2 === 0,
    record: { tag: new Uint8Array(32).fill(1), salt: new Uint8Array(32).fill(index), event },
  }));
  frames.push({ kind: "seal", count: frames.length });
  const written = frames.map((frame) => encodeFrame(frame));
  return {
    name: "log-file",
    seeds: [...written, new Uint8Array(Buffer.concat(written))],
    mutators: [sizedMutator({ width: 4, little: false }), fitChecksum, fitChecksum],
    inputMax: 128 * 1024,
    errors: [],
    run(input) {
      let end = 0;
      let count = 0;
      for (const { frame, end: next } of decodeFrames(input)) {
        promise(next > end && next <= input.length, "a frame ends where it cannot");
        promiseViewsWithin(frame, input);
        const again = encodeFrame(frame);
        promise(Buffer.compare(again, input.subarray(end, next)) === 0, "a frame has two forms");
        end = next;
        count++;
      }
      return `${count} frames, ${end === input.length ? "all" : "torn"}`;
    },
  };
}

/** Makes the size and the checksum of the first frame right: nothing else is looked at before. */
function fitChecksum(input: Uint8Array, random: Random): Uint8Array {
  const output = input.slice();
  if (output.length < 8) return output;
  const size = random.oneIn(2) ? output.length - 8 : Math.min(output.length - 8, random.below(200));
  output.set(integerBytes(size, 4, false), 0);
  output.set(integerBytes(crc32(output.subarray(8, 8 + size)), 4, false), 4);
  return output;
}
