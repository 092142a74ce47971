// SPDX-License-Identifier: Apache-2.0

import { hash } from "node:crypto";
import { readFileSync } from "node:fs";
import type { HashName } from "@nsattest/tpm";
import { describe, expect, it } from "vitest";
import { anchorDigest, extendAnchor } from "./anchor.ts";
import type { LogRecord } from "./event.ts";
import { leafHash } from "./leaf.ts";

interface Step {
  readonly records: readonly (readonly [tag: string, salt: string, event: string])[];
  readonly repeat: number;
  readonly firstLeaf: string;
  readonly pcrs: Readonly<Record<HashName, string>>;
}

// Made by make-anchor.py, which knows nothing of this code.
const steps: readonly Step[] = JSON.parse(
  readFileSync(new URL("vectors/anchor.json", import.meta.url), "utf8"),
);

const bytes = (hex: string) => new Uint8Array(Buffer.from(hex, "hex"));
const hex = (value: Uint8Array) => Buffer.from(value).toString("hex");
const record: LogRecord = {
  tag: new Uint8Array(32).fill(1),
  salt: new Uint8Array(32).fill(2),
  event: new Uint8Array([3]),
};

const batches = steps.map(({ records, repeat }) =>
  Array.from({ length: repeat }, () =>
    records.map(([tag, salt, event]) => ({
      tag: bytes(tag),
      salt: bytes(salt),
      event: bytes(event),
    })),
  ).flat(),
);

describe("the anchor rule", () => {
  it.each(["sha1", "sha256", "sha384", "sha512"] as const)("follows the vectors in %s", (bank) => {
    let pcr: Uint8Array = new Uint8Array(bytes(steps[0]?.pcrs[bank] ?? "").length);
    for (const [index, batch] of batches.entries()) {
      pcr = extendAnchor(pcr, batch, bank);
      expect(hex(pcr)).toBe(steps[index]?.pcrs[bank]);
    }
  });

  it("hashes a record to the leaf of the vectors", () => {
    for (const [index, [first]] of batches.entries()) {
      expect(hex(leafHash(first ?? record))).toBe(steps[index]?.firstLeaf);
    }
  });

  // The node's own hash of the whole, for records shorter and longer than the place where they are put together.
  it.each([0, 1, 4063, 4064, 100_000])("hashes an event of %i bytes", (length) => {
    const event = new Uint8Array(length).fill(7);
    const inner = hash("sha256", Buffer.concat([Buffer.of(1), record.salt, event]), "buffer");
    const outer = Buffer.concat([Buffer.of(0), record.tag, inner]);
    expect(hex(leafHash({ ...record, event }))).toBe(hash("sha256", outer));
  });

  it("extends SHA-256 unless told otherwise", () => {
    expect(anchorDigest([record])).toEqual(anchorDigest([record], "sha256"));
    const pcr = new Uint8Array(32);
    expect(extendAnchor(pcr, [record])).toEqual(extendAnchor(pcr, [record], "sha256"));
  });

  // Without it a batch of nothing could be slipped in, or left out, unnoticed by whoever counts events.
  it("refuses an empty batch", () => {
    expect(() => anchorDigest([])).toThrow(expect.objectContaining({ code: "LOG_BATCH_EMPTY" }));
  });

  // Without it the end of a tag could be moved into the salt, the end of a salt into the event: one leaf, two stories.
  it.each([
    ["a short tag", { ...record, tag: new Uint8Array(31) }],
    ["a long tag", { ...record, tag: new Uint8Array(33) }],
    ["a short salt", { ...record, salt: new Uint8Array(31) }],
    ["no salt", { ...record, salt: new Uint8Array(0) }],
  ])("refuses %s", (_, malformed) => {
    expect(() => leafHash(malformed)).toThrow(expect.objectContaining({ code: "LOG_RECORD" }));
  });
});
