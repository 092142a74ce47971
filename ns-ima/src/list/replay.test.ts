// SPDX-License-Identifier: Apache-2.0

import { hash } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { encodeEntry } from "./encode-entry.ts";
import type { TemplateName } from "./entry.ts";
import { parseMeasurementList } from "./measurement-list.ts";
import { initialReplayState, replayList } from "./replay.ts";

interface KeylimeRecord {
  readonly template: TemplateName;
  readonly content: string | null;
  readonly path: string;
  readonly listed: string;
  readonly extended: string;
  readonly pcr: string;
}

const vectors = JSON.parse(
  readFileSync(new URL("../../test/vectors/keylime/records.json", import.meta.url), "utf8"),
) as KeylimeRecord[];

const list = Buffer.concat(
  vectors.map(({ template, content, path }) =>
    encodeEntry({
      pcr: 10,
      template,
      digest:
        content === null ? null : { algorithm: "sha256", value: hash("sha256", content, "buffer") },
      path,
      signature: null,
      buffer: template === "ima-buf" ? Buffer.from(content ?? "") : null,
    }),
  ),
);
const { entries } = parseMeasurementList(list);
const pcrs = vectors.map(({ pcr }) => Buffer.from(pcr, "hex"));
const [first, second, third, last] = pcrs as [Buffer, Buffer, Buffer, Buffer];
const start = initialReplayState();

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
      const result = replayList(start, entries, pcr);
      expect(result.matched).toBe(index + 1);
      expect(Buffer.compare(result.state.pcr, pcr)).toBe(0);
    });
  });
});

describe("incremental replay", () => {
  it("goes on where the last one ended", () => {
    const { state, matched } = replayList(start, entries, second);
    expect(replayList(state, entries.slice(matched), last).matched).toBe(2);
    expect(() => replayList(state, entries, last)).toThrow();
  });

  it("keeps what the quote does not prove yet pending", () => {
    expect(replayList(start, entries, new Uint8Array(32)).matched).toBe(0);
    const { state } = replayList(start, entries, third);
    expect(replayList(state, entries.slice(3), third)).toEqual({ matched: 0, state });
  });

  it("is never vacuous: without new entries the quote must be the state's", () => {
    expect(replayList(start, [], new Uint8Array(32)).matched).toBe(0);
    expect(() => replayList(start, [], first)).toThrowError(
      expect.objectContaining({ code: "LIST_REPLAY_MISMATCH" }),
    );
  });
});

describe("refuses", () => {
  const refuse = (code: string) => expect.objectContaining({ name: "NsImaError", code });

  it("a list that lacks, repeats, reorders or adds a record", () => {
    const [a, b, c, d] = entries as [(typeof entries)[0], ...typeof entries];
    for (const forged of [
      [a, b, c],
      [b, c, d],
      [a, b, b, c, d],
      [b, a, c, d],
      [a, b, d],
    ]) {
      expect(() =>
        replayList(
          start,
          forged.flatMap((entry) => entry ?? []),
          last,
        ),
      ).toThrowError(refuse("LIST_REPLAY_MISMATCH"));
    }
  });

  it("a value of another bank", () => {
    expect(() => replayList(start, entries, first.subarray(0, 20))).toThrowError(
      refuse("LIST_REPLAY_MISMATCH"),
    );
    expect(() => replayList(start, entries, new Uint8Array())).toThrowError(
      refuse("LIST_REPLAY_MISMATCH"),
    );
  });

  it("a record of another PCR before the match, and leaves it pending after", () => {
    const [a, b] = entries as [(typeof entries)[0], ...typeof entries];
    const foreign = { ...a, pcr: 11 };
    expect(replayList(start, [a, foreign], first).matched).toBe(1);
    expect(() => replayList(start, [a, foreign, ...(b ? [b] : [])], second)).toThrowError(
      refuse("LIST_PCR_UNSUPPORTED"),
    );
  });
});

it("does not change the state it is given", () => {
  const state = initialReplayState();
  replayList(state, entries, last);
  expect(state).toEqual(initialReplayState());
});
