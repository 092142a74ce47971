// SPDX-License-Identifier: Apache-2.0

import { Buffer } from "node:buffer";
import { ByteWriter } from "@nsattest/tpm";
import { describe, expect, it } from "vitest";
import { LEGACY_PATH_MAX } from "../limits.ts";
import { countRecords } from "./count-records.ts";
import { encodeEntry } from "./encode-entry.ts";
import { RecordReader } from "./record-reader.ts";
import { compileTemplate } from "./template.ts";

const FIELDS = {
  pcr: 11,
  digest: { algorithm: "sha1", value: new Uint8Array(20).fill(1) },
  path: "/mnt/f",
  signature: null,
  buffer: null,
} as const;
const legacy = encodeEntry({ ...FIELDS, template: "ima" });
const other = encodeEntry({ ...FIELDS, template: "d-ng|n-ng|newer" });

function readerOf(bytes: Uint8Array): RecordReader {
  const templates = ["ima", "ima-ng"].flatMap((name) => compileTemplate(name) ?? []);
  return new RecordReader(bytes, { templates, firstIndex: 5, column: "sha1" });
}

it("waits for the rest of a record of the template ima, wherever it is cut", () => {
  for (let length = 0; length < legacy.length; length++) {
    expect(readerOf(legacy.slice(0, length)).next()).toBe(false);
  }
  const reader = readerOf(legacy);
  expect(reader.next()).toBe(true);
  expect(reader).toMatchObject({ pcr: 11, violation: false, index: 6, end: legacy.length });
  expect(reader.next()).toBe(false);
});

it("refuses a path of the template ima at once when it is too long", () => {
  const start = (length: number): Uint8Array =>
    new ByteWriter()
      .u32le(10)
      .bytes(new Uint8Array(20))
      .u32le(3)
      .bytes(Buffer.from("ima"))
      .bytes(new Uint8Array(20))
      .u32le(length)
      .finish();
  expect(readerOf(start(LEGACY_PATH_MAX)).next()).toBe(false);
  expect(() => readerOf(start(LEGACY_PATH_MAX + 1)).next()).toThrow(
    expect.objectContaining({ code: "LIST_LIMIT" }),
  );
});

it("names the templates that are pinned beside the one that is not", () => {
  expect(() => readerOf(other).next()).toThrow(
    'record 5 has the template "d-ng|n-ng|newer"; pinned: ima, ima-ng',
  );
});

it("a violation of the template ima has a digest of zeros, and is one", () => {
  const reader = readerOf(encodeEntry({ ...FIELDS, digest: null, template: "ima" }));
  expect(reader.next()).toBe(true);
  expect(reader.violation).toBe(true);
  expect(Buffer.from(reader.data).readBigUInt64LE()).toBe(0n);
});

describe("countRecords", () => {
  it("counts whole records of any template", () => {
    const list = Buffer.concat([legacy, other, legacy]);
    expect(countRecords(list)).toEqual({ entries: 3, bytes: list.length });
    const cut = list.length - 1;
    expect(countRecords(list.subarray(0, cut))).toEqual({
      entries: 2,
      bytes: legacy.length + other.length,
    });
  });

  it("refuses what is no list", () => {
    expect(() => countRecords(Buffer.alloc(4, 0xff))).toThrow(
      expect.objectContaining({ code: "LIST_PCR" }),
    );
  });
});

it("nothing is encoded in a template that is none", () => {
  expect(() => encodeEntry({ ...FIELDS, template: "ima-x" })).toThrow(
    expect.objectContaining({ code: "LIST_TEMPLATE_UNSUPPORTED" }),
  );
});
