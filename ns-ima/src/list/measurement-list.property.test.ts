// SPDX-License-Identifier: Apache-2.0

import { Buffer } from "node:buffer";
import { hash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { NsImaError } from "../error.ts";
import { bytePathFromBytes } from "./byte-path.ts";
import { ContentCache } from "./content-cache.ts";
import { encodeEntry, type RecordFields } from "./encode-entry.ts";
import type { ListEntry } from "./entry.ts";
import { DEFAULT_LIST_PINS } from "./list-pins.ts";

import { parseMeasurementList } from "./measurement-list.ts";
import { initialListState, type ListState, replayList } from "./replay.ts";

const bytes = (minLength: number, maxLength: number): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength, maxLength });

const path = fc
  .uint8Array({ max: 254, maxLength: 40 })
  .map((raw) => bytePathFromBytes(raw.map((byte) => byte + 1)));

const digest = fc.oneof(
  bytes(32, 32).map((value) => ({ algorithm: "sha256", value })),
  bytes(1, 64).map((value) => ({ algorithm: "streebog512", value })),
);

const common = {
  pcr: fc.constant(10),
  path,
  signature: fc.constant(null),
  buffer: fc.constant(null),
};

const signature = fc
  .tuple(fc.constantFrom(3, 5, 6), bytes(0, 80))
  .map(([type, rest]) => Uint8Array.of(type, ...rest));

const entry: fc.Arbitrary<RecordFields> = fc.oneof(
  fc.record({ ...common, template: fc.constant("ima-ng" as const), digest: fc.option(digest) }),
  fc.record({
    ...common,
    template: fc.constant("ima-sig" as const),
    digest: fc.option(digest),
    signature: fc.option(signature),
  }),
  fc
    .record({ ...common, template: fc.constant("ima-buf" as const), buffer: bytes(1, 80) })
    .map((content) => ({
      ...content,
      digest: { algorithm: "sha256", value: sha256(content.buffer) },
    })),
);

const entries = fc.array(entry, { minLength: 1, maxLength: 6 });

const concat = (...parts: readonly Uint8Array[]): Uint8Array =>
  Uint8Array.from(Buffer.concat(parts));

const sha256 = (content: Uint8Array): Uint8Array =>
  Uint8Array.from(hash("sha256", content, "buffer"));

const encode = (contents: readonly RecordFields[]): Uint8Array =>
  concat(...contents.map((fields) => encodeEntry(fields)));

function content({ pcr, template, digest, path, signature, buffer }: RecordFields): RecordFields {
  return { pcr, template, digest, path, signature, buffer };
}

/** PCR 10 as a TPM computes it: the values after 0, 1, 2 … records. */
function pcrChain(list: readonly ListEntry[]): Uint8Array[] {
  let pcr: Uint8Array = new Uint8Array(32);
  return [
    pcr,
    ...list.map(({ violation, templateDigest }) => {
      const extended = violation ? new Uint8Array(32).fill(0xff) : templateDigest;
      pcr = sha256(concat(pcr, extended));
      return pcr;
    }),
  ];
}

describe("codec", () => {
  it("decodes what it encodes, and encodes what it decodes", () => {
    fc.assert(
      fc.property(entries, (contents) => {
        const list = encode(contents);
        const decoded = parseMeasurementList(list);
        expect(decoded.consumed).toBe(list.length);
        expect(decoded.entries.map(content)).toEqual(contents);
        expect(encode(decoded.entries)).toEqual(list);
      }),
    );
  });

  it("gives the same list however it is cut into reads", () => {
    fc.assert(
      fc.property(entries, fc.infiniteStream(fc.integer({ min: 0, max: 90 })), (contents, cuts) => {
        const list = encode(contents);
        const found: RecordFields[] = [];
        let pending: Uint8Array = new Uint8Array();
        for (let offset = 0; offset < list.length; ) {
          const size = cuts.next().value + 1;
          pending = concat(pending, list.subarray(offset, offset + size));
          offset += size;
          const part = parseMeasurementList(pending, { firstIndex: found.length });
          found.push(...part.entries.map(content));
          pending = pending.subarray(part.consumed);
        }
        expect(pending).toHaveLength(0);
        expect(found).toEqual(contents);
      }),
    );
  });

  it("answers any bytes with a list or its own error", () => {
    fc.assert(
      fc.property(entries, fc.nat(), bytes(0, 60), (contents, at, junk) => {
        const list = encode(contents);
        const offset = at % (list.length + 1);
        try {
          parseMeasurementList(concat(list.subarray(0, offset), junk));
        } catch (error) {
          expect(error).toBeInstanceOf(NsImaError);
        }
      }),
    );
  });
});

const PCR = 10;
const START = initialListState(DEFAULT_LIST_PINS);
const CACHE = new ContentCache(1024);

function replay(state: ListState, list: Uint8Array, quoted: Uint8Array) {
  return replayList(state, list, new Map([[PCR, quoted]]), CACHE);
}

describe("replay", () => {
  it("accepts exactly the prefixes", () => {
    fc.assert(
      fc.property(entries, fc.nat(), bytes(32, 32), (contents, at, other) => {
        const list = encode(contents);
        const parsed = parseMeasurementList(list).entries;
        const chain = pcrChain(parsed);
        const from = at % chain.length;
        const start = from === 0 ? 0 : (parsed[from - 1]?.end ?? 0);
        const state = {
          ...START,
          entries: from,
          bytes: start,
          pcrs: new Map([[PCR, chain[from] ?? new Uint8Array()]]),
        };
        const rest = list.subarray(start);
        chain.forEach((quoted, index) => {
          if (index >= from) {
            const result = replay(state, rest, quoted);
            expect(result.contents.map(({ path }) => path)).toEqual(
              contents.slice(from, index).map(({ path }) => path),
            );
            expect(result.state).toMatchObject({
              entries: index,
              bytes: index === 0 ? 0 : parsed[index - 1]?.end,
              pcrs: new Map([[PCR, quoted]]),
            });
          } else {
            expect(() => replay(state, rest, quoted)).toThrow(NsImaError);
          }
        });
        expect(() => replay(state, rest, other)).toThrow(NsImaError);
      }),
    );
  });

  it("notices every flipped bit but those of a violation's own data and of the list's own digests", () => {
    fc.assert(
      fc.property(entries, fc.nat(), (contents, at) => {
        const list = encode(contents);
        const original = parseMeasurementList(list).entries;
        const quoted = pcrChain(original).at(-1) ?? new Uint8Array();
        const before = replay(START, list, quoted).contents;
        const bit = at % (8 * list.length);
        const flipped = Uint8Array.from(list);
        flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        const hit = original.findIndex(({ end }) => bit >> 3 < end);
        try {
          const after = replay(START, flipped, quoted).contents;
          // It still replays: then nothing but the untrusted part of one violation may differ.
          expect(after).toHaveLength(before.length);
          after.forEach((content, index) => {
            if (index !== hit || !before[index]?.violation) expect(content).toEqual(before[index]);
          });
        } catch (error) {
          if (!(error instanceof NsImaError)) throw error;
        }
      }),
      { numRuns: 500 },
    );
  });
});
