// SPDX-License-Identifier: Apache-2.0

import { crc32 } from "node:zlib";
import { ByteWriter } from "@nsattest/tpm";
import fc from "fast-check";
import { expect, it } from "vitest";
import { decodeFrames, encodeFrame, type LogFrame } from "./log-frame.ts";

const bytes = (minLength: number, maxLength: number): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength, maxLength });

const frames = fc.array(
  fc.oneof(
    fc.record<LogFrame & { kind: "record" }>({
      kind: fc.constant("record"),
      ringPosition: fc.maxSafeNat(),
      more: fc.boolean(),
      record: fc.record({ tag: bytes(32, 32), salt: bytes(32, 32), event: bytes(1, 300) }),
    }),
    fc.record<LogFrame & { kind: "seal" }>({
      kind: fc.constant("seal"),
      count: fc.nat({ max: 0xffff_ffff }),
    }),
  ),
  { maxLength: 6 },
);

const decode = (file: Uint8Array): LogFrame[] => [...decodeFrames(file)].map(({ frame }) => frame);

it("reads what was written, and of a part of it the frames that are whole", () => {
  fc.assert(
    fc.property(frames, fc.nat(), (written, cut) => {
      const encoded = written.map(encodeFrame);
      const file = new Uint8Array(Buffer.concat(encoded));
      expect(decode(file)).toEqual(written);
      const part = file.subarray(0, cut % (file.length + 1));
      let whole = 0;
      let end = 0;
      for (const { length } of encoded) {
        if (end + length > part.length) break;
        end += length;
        whole++;
      }
      expect(decode(part)).toEqual(written.slice(0, whole));
    }),
  );
});

it("never reads a frame in which a bit was flipped", () => {
  fc.assert(
    fc.property(
      frames.filter(({ length }) => length > 0),
      fc.nat(),
      (written, bit) => {
        const file = new Uint8Array(Buffer.concat(written.map(encodeFrame)));
        const at = bit % (8 * file.length);
        file[at >> 3] = (file[at >> 3] ?? 0) ^ (1 << (at & 7));
        const read = decode(file);
        expect(read.length).toBeLessThan(written.length);
        expect(read).toEqual(written.slice(0, read.length));
      },
    ),
  );
});

it("takes any bytes for a torn file, not for an error", () => {
  fc.assert(
    fc.property(bytes(0, 200), (file) => {
      expect([...decodeFrames(file)].every(({ end }) => end <= file.length)).toBe(true);
    }),
  );
});

it("takes a payload that no frame has for damage, though its checksum is right", () => {
  const hostile = fc.oneof(
    bytes(0, 120),
    fc
      .tuple(fc.constantFrom(1, 2, 3), bytes(0, 120))
      .map(([kind, rest]) => Uint8Array.from([kind, ...rest])),
  );
  const position = Uint8Array.from([1, 0xff, ...new Uint8Array(80)]);
  fc.assert(
    fc.property(hostile, (payload) => {
      const file = new ByteWriter().u32(payload.length).u32(crc32(payload)).bytes(payload).finish();
      expect(decode(file).map((frame) => Buffer.from(encodeFrame(frame)))).toEqual(
        decode(file).map(() => Buffer.from(file)),
      );
    }),
    { examples: [[position]] },
  );
});
