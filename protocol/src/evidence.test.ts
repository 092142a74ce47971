// SPDX-License-Identifier: Apache-2.0

import { EVENT_LOG_MAX } from "@nsattest/tpm";
import { describe, expect, it } from "vitest";
import { type CborValue, decodeCbor, encodeCbor } from "./cbor.ts";
import {
  decodeEvidence,
  decodeEvidenceAnswer,
  type Evidence,
  encodeEvidence,
  encodeEvidenceAnswer,
} from "./evidence.ts";
import { EVIDENCE_MAX } from "./limits.ts";

const fill = (length: number, byte: number) => new Uint8Array(length).fill(byte);
const coded = (code: string, at = "") =>
  expect.objectContaining({ name: "ProtocolError", code, message: expect.stringContaining(at) });

const evidence: Evidence = {
  bootId: "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0",
  nonce: fill(32, 1),
  attest: fill(100, 2),
  signature: fill(262, 3),
  pcrs: [
    { bank: "sha256", index: 10, value: fill(32, 4) },
    { bank: "sha256", index: 13, value: fill(32, 5) },
  ],
  listOffset: 1000,
  list: fill(5000, 6),
  logOffset: 7,
  batches: [[{ tag: fill(32, 7), salt: fill(32, 8), event: fill(10, 9) }], []],
  bootLog: fill(300, 10),
};
const fields = decodeCbor(encodeEvidence(evidence), EVIDENCE_MAX) as ReadonlyMap<string, CborValue>;

/** The evidence with one field replaced, added or (undefined) left out. */
function withField(name: string, value: CborValue | undefined): Uint8Array {
  const changed = new Map(fields);
  if (value === undefined) changed.delete(name);
  else changed.set(name, value);
  return encodeCbor(changed);
}

describe("evidence", () => {
  it("is read as it was written", () => {
    expect(decodeEvidence(encodeEvidence(evidence))).toEqual(evidence);
  });

  it("has its fields in the documented order, PCR values and records as rows", () => {
    expect([...fields.keys()]).toEqual([
      "v",
      "bootId",
      "nonce",
      "attest",
      "signature",
      "pcrs",
      "listOffset",
      "list",
      "logOffset",
      "batches",
      "bootLog",
    ]);
    expect(fields.get("v")).toBe(2);
    expect(fields.get("pcrs")).toEqual([
      ["sha256", 10, fill(32, 4)],
      ["sha256", 13, fill(32, 5)],
    ]);
    expect(fields.get("batches")).toEqual([[[fill(32, 7), fill(32, 8), fill(10, 9)]], []]);
  });

  it("may be empty of list and log", () => {
    const nothing = { ...evidence, list: fill(0, 0), batches: [], pcrs: [], bootLog: null };
    expect(decodeEvidence(encodeEvidence(nothing))).toEqual(nothing);
  });

  it("in another order is refused: it would be the same in other bytes", () => {
    const reversed = new Map([...fields].reverse());
    expect(() => decodeEvidence(encodeCbor(reversed))).toThrow(
      coded("FIELD_INVALID", "evidence has its fields in another order"),
    );
  });

  it.each([0, 1, "2", null])("of version %j is refused", (version) => {
    expect(() => decodeEvidence(withField("v", version))).toThrow(coded("VERSION_UNSUPPORTED"));
  });

  it("of another version is refused before its fields are", () => {
    const other = new Map<string, CborValue>([
      ["v", 1],
      ["news", true],
    ]);
    expect(() => decodeEvidence(encodeCbor(other))).toThrow(coded("VERSION_UNSUPPORTED"));
  });

  it.each([...fields.keys()])("without %s is refused", (name) => {
    expect(() => decodeEvidence(withField(name, undefined))).toThrow(coded("FIELD_MISSING", name));
  });

  it.each<[string, CborValue]>([
    ["bootId", "0F1E2D3C-4B5A-6978-8796-A5B4C3D2E1F0"],
    ["nonce", fill(31, 1)],
    ["nonce", "text"],
    ["attest", fill(0, 0)],
    ["attest", fill(4097, 0)],
    ["signature", null],
    ["pcrs", new Map()],
    ["pcrs[0]", [["sha256", 10]]],
    ["pcrs[0].bank", [["md5", 10, fill(16, 0)]]],
    ["pcrs[0].bank", [["toString", 10, fill(32, 0)]]],
    ["pcrs[0].index", [["sha256", 24, fill(32, 0)]]],
    ["pcrs[0].value", [["sha256", 10, fill(20, 0)]]],
    ["pcrs[0].value", [["sha1", 10, fill(32, 0)]]],
    ["pcrs has", new Array(97).fill(["sha256", 10, fill(32, 0)])],
    ["listOffset", "0"],
    ["list", [1, 2]],
    ["logOffset", null],
    ["batches", null],
    ["batches[0]", [null]],
    ["batches[0][0]", [[[]]]],
    ["batches[0][0].tag", [[[fill(31, 0), fill(32, 0), fill(1, 0)]]]],
    ["batches[0][0].salt", [[[fill(32, 0), fill(33, 0), fill(1, 0)]]]],
    ["batches[0][0].event", [[[fill(32, 0), fill(32, 0), fill(0, 0)]]]],
    ["batches[0][0].event", [[[fill(32, 0), fill(32, 0), fill(65_537, 0)]]]],
    ["bootLog", "text"],
    ["bootLog", fill(EVENT_LOG_MAX + 1, 0)],
  ])("with a bad %s is refused", (at, value) => {
    const name = /^[a-zA-Z]+/.exec(at)?.[0] ?? "";
    expect(() => decodeEvidence(withField(name, value))).toThrow(
      coded("FIELD_INVALID", `evidence.${at}`),
    );
  });

  it("with a field more is refused", () => {
    expect(() => decodeEvidence(withField("hostTier", "affirming"))).toThrow(
      coded("FIELD_UNKNOWN", "hostTier"),
    );
  });

  it.each<CborValue>([null, [], "evidence", 1])("is no %j", (value) => {
    expect(() => decodeEvidence(encodeCbor(value))).toThrow(coded("FIELD_INVALID", "evidence"));
  });

  it("above its limit is refused unread", () => {
    expect(() => decodeEvidence(new Uint8Array(EVIDENCE_MAX + 1))).toThrow(
      coded("MESSAGE_TOO_LARGE"),
    );
  });
});

describe("the answer to evidence", () => {
  const answer = { host: "affirming", namespaces: 3, nextIntervalSeconds: 10 } as const;

  it("is read as it was written, and may say more than we know", () => {
    expect(encodeEvidenceAnswer(answer)).toEqual(answer);
    expect(decodeEvidenceAnswer({ ...answer, news: 1 })).toEqual(answer);
  });

  it.each([
    { host: "good" },
    { namespaces: -1 },
    { nextIntervalSeconds: 86_401 },
    { nextIntervalSeconds: "1" },
  ])("with %j is refused", (change) => {
    expect(() => decodeEvidenceAnswer({ ...answer, ...change })).toThrow(
      coded("FIELD_INVALID", `answer.${Object.keys(change)[0]}`),
    );
  });
});
