// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from "vitest";
import { decodeErrorAnswer, encodeErrorAnswer } from "./error-answer.ts";
import {
  decodeNodeList,
  decodeNodeReport,
  encodeNodeList,
  encodeNodeReport,
} from "./node-report.ts";
import type { NodeReport, Verdict } from "./verdict.ts";

const ID = "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0";
const UNTIL = "2026-01-31T12:00:00.000Z";
const coded = (code: string, at: string) =>
  expect.objectContaining({ name: "ProtocolError", code, message: expect.stringContaining(at) });

const verdict: Verdict = {
  tier: "contraindicated",
  reasons: [
    { code: "NOT_LISTED", path: "/vol/tool", digest: "sha256:00", detail: "no policy lists it" },
    { code: "GAP_RESYNCED", detail: "" },
  ],
  limits: ["BOOT_UNVERIFIED"],
  validUntil: UNTIL,
};
const report: NodeReport = {
  node: {
    id: ID,
    tpm: { ekVerified: true },
    quote: { verified: true, bank: "sha256", pcrs: [10, 13] },
    host: { ...verdict, tier: "affirming", reasons: [] },
  },
  namespaces: [
    {
      id: "web/1",
      name: "web",
      image: null,
      state: "open",
      declared: true,
      entries: [{ kinds: ["exec", "map"], path: "/bin/busybox", digest: null }],
      levels: { kernel: 1 },
      verdict,
    },
  ],
  hostList: { entries: 4, host: 2, namespaces: 1, pending: 1 },
};

/** The report as JSON with one value replaced: `at` is its path. */
function changed(at: readonly (string | number)[], value: unknown): unknown {
  const json = structuredClone(encodeNodeReport(report));
  const parents = at.slice(0, -1);
  const last = at.at(-1) ?? "";
  let parent = json as Record<string | number, unknown>;
  for (const step of parents) parent = parent[step] as Record<string | number, unknown>;
  parent[last] = value;
  return json;
}

describe("a node's report", () => {
  it("is read as it was written, and may say more than we know", () => {
    expect(JSON.parse(JSON.stringify(encodeNodeReport(report)))).toEqual(report);
    expect(decodeNodeReport(changed(["news"], 1))).toEqual(report);
  });

  it.each([
    [["node", "id"], "node"],
    [["node", "tpm", "ekVerified"], "yes"],
    [["node", "quote", "pcrs"], [99]],
    [["node", "host", "tier"], "good"],
    [["node", "host", "validUntil"], "forever"],
    [["node", "host", "limits"], ["a limit"]],
    [["namespaces", 0, "name"], "\u001b[2Jweb"],
    [["namespaces", 0, "image"], 1],
    [["namespaces", 0, "state"], "gone"],
    [["namespaces", 0, "levels"], null],
    [["namespaces", 0, "levels"], { kernel: "1" }],
    [["namespaces", 0, "levels"], { "a\n": 1 }],
    [["namespaces", 0, "entries", 0, "path"], "/bin/\u001b[31m"],
    [["namespaces", 0, "entries", 0, "digest"], "00"],
    [["namespaces", 0, "verdict", "reasons", 0, "code"], "not listed"],
    [["namespaces", 0, "verdict", "reasons", 0, "path"], null],
    [["hostList", "pending"], -1],
  ])("with a bad %j is refused: it could not be shown safely", (at, value) => {
    expect(() => decodeNodeReport(changed(at, value))).toThrow(coded("FIELD_INVALID", "report."));
  });
});

describe("the list of nodes", () => {
  const nodes = [{ id: ID, host: "warning", validUntil: UNTIL }] as const;

  it("is read as it was written", () => {
    expect(encodeNodeList(nodes)).toEqual({ nodes });
    expect(decodeNodeList({ nodes })).toEqual(nodes);
    expect(() => decodeNodeList({})).toThrow(coded("FIELD_MISSING", "answer.nodes"));
  });
});

describe("an error's answer", () => {
  const error = { code: "LOG_REPLAY_MISMATCH", message: "no" };

  it("is read as it was written", () => {
    expect(encodeErrorAnswer(error)).toEqual({ error });
    expect(decodeErrorAnswer({ error, statusCode: 400 })).toEqual(error);
  });

  it.each([{ error: "Bad Request" }, { error: { code: "<html>", message: "" } }, "<html>"])(
    "is not %j",
    (json) => {
      expect(() => decodeErrorAnswer(json)).toThrow(coded("FIELD_INVALID", "answer"));
    },
  );
});
