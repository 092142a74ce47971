// SPDX-License-Identifier: Apache-2.0

import {
  decodeHookAnswer,
  decodeHookRequest,
  encodeFrame,
  encodeHookAnswer,
  encodeHookRequest,
  FrameSplitter,
  ProtocolError,
} from "@nsattest/protocol";
import { type FuzzTarget, promise } from "../engine/target.ts";
import { sizedMutator } from "../mutate/sized.ts";
import { promiseOwnMemory } from "./owned-memory.ts";
import { utf8 } from "./vectors.ts";

const PAYLOAD_MAX = 4096;
/** Sizes of the pieces in which a stream arrives. */
const PIECES: readonly number[] = [3, 4, 5, 64, Number.MAX_SAFE_INTEGER];

/** Streams of frames, and what the hook and the monitor say to each other in them. */
export function frame(): FuzzTarget {
  const frames = [
    encodeHookRequest({ verb: "open", state: utf8('{"id":"a"}') }),
    encodeHookRequest({ verb: "close", state: utf8("{}") }),
    encodeHookAnswer({ ok: true, message: "web/1" }),
    encodeHookAnswer({ ok: false, message: "LOG_IO: \u00e9\ud83d\ude00" }),
    encodeFrame(new Uint8Array(300), PAYLOAD_MAX),
  ];
  return {
    name: "frame",
    seeds: [...frames, new Uint8Array(Buffer.concat(frames))],
    mutators: [sizedMutator({ width: 4, little: false })],
    inputMax: 32 * 1024,
    errors: ["ProtocolError"],
    // Mostly its own: a stream that arrives byte by byte is a view for each.
    allocatedMax: 16 * 1024 * 1024,
    run(input) {
      const byByte = split(input, 1);
      for (const size of PIECES) {
        const { payloads, end } = split(input, size);
        promise(end === byByte.end, "the end of a stream depends on its pieces");
        // A frame that cannot be takes those with it that came in the same piece.
        const all = end === "complete" || end === "FRAME_TRUNCATED";
        promise(!all || payloads.length === byByte.payloads.length, "a frame is lost");
        const same = payloads.every(
          (payload, index) => Buffer.compare(payload, byByte.payloads[index] ?? input) === 0,
        );
        promise(same, "the frames of a stream depend on its pieces");
        promiseOwnMemory(payloads, input);
      }
      const said = byByte.payloads.map((each) => `${hookRequest(each)} ${hookAnswer(each)}`);
      return `${byByte.end} ${said.slice(0, 2).join(" ")}`;
    },
  };
}

interface Split {
  readonly payloads: readonly Uint8Array[];
  /** How the stream ended. */
  readonly end: string;
}

function split(input: Uint8Array, size: number): Split {
  const splitter = new FrameSplitter(PAYLOAD_MAX);
  const payloads: Uint8Array[] = [];
  const end = codeOf(() => {
    for (let at = 0; at < input.length; at += size) {
      payloads.push(...splitter.push(input.subarray(at, at + size)));
    }
    splitter.end();
    return "complete";
  });
  return { payloads, end };
}

function hookRequest(payload: Uint8Array): string {
  return codeOf(() => {
    const request = decodeHookRequest(payload);
    const again = encodeHookRequest(request).subarray(4);
    promise(Buffer.compare(again, payload) === 0, "a request has two forms");
    return request.verb;
  });
}

function hookAnswer(payload: Uint8Array): string {
  return codeOf(() => {
    const answer = decodeHookAnswer(payload);
    // What is written is cut and cleaned: only that can be read again.
    const cleaned = decodeHookAnswer(encodeHookAnswer(answer).subarray(4));
    promise(cleaned.ok === answer.ok, "an answer is read otherwise again");
    return String(answer.ok);
  });
}

function codeOf(act: () => string): string {
  try {
    return act();
  } catch (error) {
    if (error instanceof ProtocolError) return error.code;
    throw error;
  }
}
