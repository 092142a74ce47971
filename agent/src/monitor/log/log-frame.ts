// SPDX-License-Identifier: Apache-2.0

import { crc32 } from "node:zlib";
import type { LogRecord } from "@nsattest/ns-ima";
import { EVENT_MAX } from "@nsattest/protocol";
import { ByteReader, ByteWriter, TpmError } from "@nsattest/tpm";

/**
 * - `record`: one leaf; `ringPosition` is the ring's position after the kernel events of its append, so a restarted monitor goes on
 *   reading exactly there. `more`: the next frame belongs to the same append, which counts only as a whole
 * - `seal`: the `count` records since the last seal are one batch; written before the TPM is extended with it
 */
export type LogFrame =
  | {
      readonly kind: "record";
      readonly ringPosition: number;
      readonly more: boolean;
      readonly record: LogRecord;
    }
  | { readonly kind: "seal"; readonly count: number };

const HEADER = 8;
const TAG = 32;
const SALT = 32;
const KIND_RECORD = 1;
const KIND_SEAL = 2;
const KIND_RECORD_MORE = 3;
/** A record of the largest event; what claims more is a torn or foreign file. */
const FRAME_MAX = 1 + 8 + TAG + SALT + EVENT_MAX;

/** `u32be length | u32be CRC-32 of the payload | payload`. */
export function encodeFrame(frame: LogFrame): Uint8Array {
  const payload = new ByteWriter();
  if (frame.kind === "seal") payload.u8(KIND_SEAL).u32(frame.count);
  else {
    const { tag, salt, event } = frame.record;
    payload.u8(frame.more ? KIND_RECORD_MORE : KIND_RECORD);
    payload.u64(frame.ringPosition).bytes(tag).bytes(salt).bytes(event);
  }
  const bytes = payload.finish();
  return new ByteWriter().u32(bytes.length).u32(crc32(bytes)).bytes(bytes).finish();
}

/** A frame and the offset after it. */
export interface FrameAt {
  readonly frame: LogFrame;
  readonly end: number;
}

/**
 * Frames of a log file from its beginning. Ends silently at the first frame that is cut off or damaged: what follows a torn write
 * cannot be told from it. The caller decides by the PCR whether anything anchored is missing.
 */
export function* decodeFrames(file: Uint8Array): Generator<FrameAt> {
  let offset = 0;
  while (file.length - offset >= HEADER) {
    const reader = new ByteReader(file.subarray(offset));
    const length = reader.u32();
    const checksum = reader.u32();
    if (length > FRAME_MAX || length > reader.remaining) return;
    const payload = reader.bytes(length);
    if (crc32(payload) !== checksum) return;
    const frame = decodePayload(payload);
    if (frame === null) return;
    offset += HEADER + length;
    yield { frame, end: offset };
  }
}

/** Null for what no frame is: too short, too long, of another kind, or with a position that no ring reaches. */
function decodePayload(payload: Uint8Array): LogFrame | null {
  const reader = new ByteReader(payload);
  try {
    const kind = reader.u8();
    if (kind === KIND_SEAL) {
      const count = reader.u32();
      reader.end();
      return { kind: "seal", count };
    }
    const more = kind === KIND_RECORD_MORE;
    if (kind !== KIND_RECORD && !more) return null;
    const ringPosition = reader.u64();
    const record = { tag: reader.bytes(TAG), salt: reader.bytes(SALT), event: reader.rest };
    return { kind: "record", ringPosition, more, record };
  } catch (error) {
    if (error instanceof TpmError) return null;
    throw error;
  }
}
