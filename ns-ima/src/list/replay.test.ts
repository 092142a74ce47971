// SPDX-License-Identifier: Apache-2.0

import { hash } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { ContentCache } from "./content-cache.ts";
import { encodeEntry } from "./encode-entry.ts";
import { DEFAULT_LIST_PINS, listPins } from "./list-pins.ts";
import { parseMeasurementList } from "./measurement-list.ts";
import { initialListState, type ListState, type ReplayedList, replayList } from "./replay.ts";

interface KeylimeRecord {
  readonly template: string;
  readonly content: string | null;
  readonly path: string;
  readonly listed: string;
  readonly extended: string;
  readonly pcr: string;
}

const vectors = JSON.parse(
  readFileSync(new URL("../../test/vectors/keylime/records.json", import.meta.url), "utf8"),
) as KeylimeRecord[];

const records = vectors.map(({ template, content, path }) =>
  encodeEntry({
    pcr: 10,
    template,
    digest:
      content === null ? null : { algorithm: "sha256", value: hash("sha256", content, "buffer") },
    path,
    signature: null,
    buffer: template === "ima-buf" ? Buffer.from(content ?? "") : null,
  }),
);
const list = Buffer.concat(records);
const { entries } = parseMeasurementList(list);
const pcrs = vectors.map(({ pcr }) => Buffer.from(pcr, "hex"));
const [first, second, third, last] = pcrs as [Buffer, Buffer, Buffer, Buffer];
const start = initialListState(DEFAULT_LIST_PINS);
const cache = new ContentCache(64);
const nothing = new Uint8Array();

function replay(state: ListState, bytes: Uint8Array, pcr: Uint8Array): ReplayedList {
  return replayList(state, bytes, new Map([[10, pcr]]), cache);
}

function refuse(code: string) {
  return expect.objectContaining({ name: "NsImaError", code });
}

describe("against the values that Keylime computes", () => {
  it("has the digests of the list and of the SHA-256 bank", () => {
    expect(entries.map(({ listDigest }) => Buffer.from(listDigest).toString("hex"))).toEqual(
      vectors.map(({ listed }) => listed),
    );
    expect(
      entries.map(({ violation, templateDigest }) =>
        violation ? "f".repeat(64) : Buffer.from(templateDigest).toString("hex"),
      ),
    ).toEqual(vectors.map(({ extended }) => extended));
  });

  it("matches each prefix, the violation included", () => {
    pcrs.forEach((pcr, index) => {
      const { contents, state } = replay(start, list, pcr);
      expect(contents.map(({ path }) => path)).toEqual(
        entries.slice(0, index + 1).map(({ path }) => path),
      );
      expect(state).toMatchObject({ entries: index + 1, bytes: entries[index]?.end });
      expect(Buffer.compare(state.pcrs.get(10) ?? nothing, pcr)).toBe(0);
    });
  });
});

describe("incremental replay", () => {
  it("goes on where the last one ended", () => {
    const { state } = replay(start, list, second);
    const rest = list.subarray(state.bytes);
    expect(replay(state, rest, last).contents).toHaveLength(2);
    expect(replay(state, rest, last).state).toMatchObject({ entries: 4, bytes: list.length });
    expect(() => replay(state, list, last)).toThrow();
  });

  it("keeps what the quote does not prove yet pending, whatever it is", () => {
    expect(replay(start, list, new Uint8Array(32)).contents).toEqual([]);
    const { state } = replay(start, list, third);
    const pending = Buffer.concat([records[3] ?? nothing, Buffer.alloc(9, 0xff)]);
    expect(replay(state, pending, third)).toEqual({ contents: [], state });
  });

  it("is never vacuous: without new records the quote must be the state's", () => {
    expect(replay(start, nothing, new Uint8Array(32)).contents).toEqual([]);
    expect(() => replay(start, nothing, first)).toThrowError(refuse("LIST_REPLAY_MISMATCH"));
  });
});

describe("refuses", () => {
  const [a, b, c, d] = records as [Uint8Array, Uint8Array, Uint8Array, Uint8Array];

  it.each([
    ["lacks one", [a, b, c]],
    ["lacks one inside", [a, b, d]],
    ["repeats one", [a, b, b, c, d]],
    ["lacks its end", [a, b, c, d.slice(0, -1)]],
  ])("a list that %s", (_, forged) => {
    expect(() => replay(start, Buffer.concat(forged), last)).toThrowError(
      refuse("LIST_REPLAY_MISMATCH"),
    );
  });

  it("a list that does not begin with the aggregate of the boot, and names it", () => {
    for (const forged of [
      [b, c, d],
      [b, a, c, d],
    ]) {
      expect(() => replay(start, Buffer.concat(forged), last)).toThrowError(
        refuse("LIST_HEAD_MISSING"),
      );
    }
  });

  it("a list that begins anew where it should go on, and names it", () => {
    const { state } = replay(start, list, second);
    expect(() => replay(state, list, last)).toThrowError(refuse("LIST_SHRANK"));
  });

  it("a record that does not have its digest, and names it", () => {
    const altered = Uint8Array.from(c);
    altered[4] = (altered[4] ?? 0) ^ 1;
    expect(() => replay(start, Buffer.concat([a, b, altered, d]), first.toReversed())).toThrowError(
      expect.objectContaining({
        code: "LIST_TEMPLATE_DIGEST",
        message: expect.stringContaining("record 2"),
      }),
    );
  });

  it("a list that fits in neither form, where both are pinned", () => {
    const pins = listPins({
      ...DEFAULT_LIST_PINS,
      templates: ["ima-ng", "ima-buf", "ima-sig"],
      paddedSha1: true,
    });
    expect(() => replay(initialListState(pins), list, first.toReversed())).toThrowError(
      refuse("LIST_REPLAY_MISMATCH"),
    );
  });

  it("a value of another bank, and none", () => {
    for (const pcr of [first.subarray(0, 20), nothing]) {
      expect(() => replay(start, list, pcr)).toThrowError(refuse("LIST_PCR_UNSUPPORTED"));
    }
    expect(() => replayList(start, list, new Map(), cache)).toThrowError(
      refuse("LIST_PCR_UNSUPPORTED"),
    );
  });

  it("a record of another PCR before the match, and leaves it pending after", () => {
    const foreign = Uint8Array.from(a);
    foreign[0] = 11;
    expect(replay(start, Buffer.concat([a, foreign]), first).contents).toHaveLength(1);
    expect(() => replay(start, Buffer.concat([a, foreign, b]), second)).toThrowError(
      refuse("LIST_PCR_UNSUPPORTED"),
    );
  });
});

it("does not change the state it is given", () => {
  const state = initialListState(DEFAULT_LIST_PINS);
  replay(state, list, last);
  expect(state).toEqual(initialListState(DEFAULT_LIST_PINS));
});

it("gives equal records the same content, violations aside", () => {
  const one = replay(start, list, last).contents;
  const other = replay(start, list, last).contents;
  one.forEach((content, index) => {
    expect(content).toEqual(other[index]);
    expect(content === other[index]).toBe(!content.violation);
  });
});
