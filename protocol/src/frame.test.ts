// SPDX-License-Identifier: Apache-2.0

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { encodeFrame, FrameSplitter } from "./frame.ts";

const MAX = 64;
const hex = (text: string) => new Uint8Array(Buffer.from(text, "hex"));
const coded = (code: string) => expect.objectContaining({ name: "ProtocolError", code });

describe("encodeFrame", () => {
  it("writes the length, big-endian, and the payload", () => {
    expect(encodeFrame(hex("abcd"), MAX)).toEqual(hex("00000002abcd"));
  });

  it("refuses what the other side would refuse", () => {
    expect(encodeFrame(new Uint8Array(MAX), MAX)).toHaveLength(MAX + 4);
    expect(() => encodeFrame(new Uint8Array(MAX + 1), MAX)).toThrow(coded("FRAME_TOO_LARGE"));
    expect(() => encodeFrame(new Uint8Array(0), MAX)).toThrow(coded("FRAME_EMPTY"));
  });
});

describe("FrameSplitter", () => {
  it("returns the frames of a stream, however it is cut", () => {
    const payload = fc.uint8Array({ minLength: 1, maxLength: MAX });
    fc.assert(
      fc.property(fc.array(payload), fc.array(fc.nat(), { maxLength: 20 }), (payloads, cuts) => {
        const stream = Buffer.concat(payloads.map((payload) => encodeFrame(payload, MAX)));
        const ends = [...cuts.map((cut) => cut % (stream.length + 1)), stream.length];
        const splitter = new FrameSplitter(MAX);
        let start = 0;
        const found: Uint8Array[] = [];
        for (const end of ends.sort((a, b) => a - b)) {
          found.push(...splitter.push(stream.subarray(start, end)));
          start = end;
        }
        splitter.end();
        expect(found).toEqual(payloads);
      }),
    );
  });

  it("returns a frame when its last byte has come, not before", () => {
    const splitter = new FrameSplitter(MAX);
    expect(splitter.push(hex("000000"))).toEqual([]);
    expect(splitter.push(hex("02ab"))).toEqual([]);
    expect(splitter.push(hex("cd0000"))).toEqual([hex("abcd")]);
  });

  it("hands out copies, and keeps copies of half a frame: a socket uses its buffer again", () => {
    const splitter = new FrameSplitter(MAX);
    const chunk = hex("00000002abcd00000002ab");
    const [payload] = splitter.push(chunk);
    chunk.fill(0);
    expect(payload).toEqual(hex("abcd"));
    expect(splitter.push(hex("ef"))).toEqual([hex("abef")]);
  });

  it("accepts the largest frame and refuses a larger one by its header alone", () => {
    const splitter = new FrameSplitter(MAX);
    expect(splitter.push(encodeFrame(new Uint8Array(MAX), MAX))).toHaveLength(1);
    expect(() => splitter.push(hex("00000041"))).toThrow(coded("FRAME_TOO_LARGE"));
    expect(() => new FrameSplitter(MAX).push(hex("ffffffff"))).toThrow(coded("FRAME_TOO_LARGE"));
  });

  it("refuses a frame without bytes: it could be sent for ever", () => {
    expect(() => new FrameSplitter(MAX).push(hex("00000000"))).toThrow(coded("FRAME_EMPTY"));
  });

  it.each(["00", "00000002", "00000002ab"])(
    "knows that a stream ended within a frame: %s",
    (cut) => {
      const splitter = new FrameSplitter(MAX);
      splitter.push(hex(cut));
      expect(() => splitter.end()).toThrow(coded("FRAME_TRUNCATED"));
    },
  );

  it("knows that a stream ended well", () => {
    const splitter = new FrameSplitter(MAX);
    splitter.end();
    splitter.push(hex("00000001ab"));
    splitter.end();
  });
});
