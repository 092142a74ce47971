// SPDX-License-Identifier: Apache-2.0

import { HASH_ALGORITHMS } from "@nsattest/tpm";
import { describe, expect, it } from "vitest";
import { LEGACY_PATH_MAX } from "../limits.ts";
import { FIELDS } from "./template-field.ts";

const text = (characters: string): Uint8Array => new Uint8Array(Buffer.from(characters, "latin1"));
const zeros = (length: number): Uint8Array => new Uint8Array(length);
const digest = (prefix: string): Uint8Array => new Uint8Array([...text(prefix), ...zeros(20)]);

function read(id: string, value: Uint8Array): unknown {
  return FIELDS.get(id)?.read(value);
}

describe.each<[string, readonly Uint8Array[], readonly Uint8Array[]]>([
  ["d", [zeros(20), zeros(16)], [zeros(0), zeros(19), zeros(32)]],
  ["n", [text("/a\0"), text(`${"a".repeat(LEGACY_PATH_MAX)}\0`)], [text("/a"), zeros(0)]],
  ["n-ng", [text("/a\0"), text(`${"a".repeat(5000)}\0`)], [text("/a"), text("a\0b\0"), zeros(0)]],
  ["d-ng", [digest("sha1:\0")], [digest("sha1:x"), text("sha1:\0"), digest("SHA1:\0"), zeros(0)]],
  ["d-ngv2", [digest("ima:sha1:\0"), digest("verity:sha1:\0")], [digest("sha1:\0"), zeros(0)]],
  ["d-modsig", [zeros(0), digest("sha1:\0")], [digest("sha1:x")]],
  ["evmsig", [zeros(0), text("\x05abc")], [text("\x03abc")]],
  ["iuid", [zeros(0), zeros(4)], [zeros(2), zeros(5)]],
  ["igid", [zeros(0), zeros(4)], [zeros(2), zeros(5)]],
  ["imode", [zeros(0), zeros(2)], [zeros(1), zeros(4)]],
  ["xattrnames", [zeros(0), text("a|b\0")], [text("a|b"), text("a\0b\0")]],
  ["xattrlengths", [zeros(0), zeros(8)], [zeros(3)]],
  ["xattrvalues", [zeros(0), text("any")], []],
  ["modsig", [zeros(0), text("any")], []],
])("the field %s", (id, good, bad) => {
  it("is read in the forms that the kernel writes, and written again", () => {
    for (const value of good) {
      const rule = FIELDS.get(id);
      if (rule === undefined) throw new Error(`no field ${id}`);
      const write = rule.write as (content: unknown) => Uint8Array;
      expect(new Uint8Array(write(rule.read(value)))).toEqual(value);
    }
  });

  it("is refused in any other", () => {
    for (const value of bad) expect(() => read(id, value)).toThrow();
  });
});

it("a field `n` has no longer path than the template of old", () => {
  expect(() => read("n", text(`${"a".repeat(LEGACY_PATH_MAX + 1)}\0`))).toThrow("bytes");
});

it("a digest is not longer than the longest hash", () => {
  const longest = HASH_ALGORITHMS.sha512.size;
  const sized = (size: number) => new Uint8Array([...text("sha512:\0"), ...zeros(size)]);
  expect(read("d-ng", sized(longest))).toMatchObject({ algorithm: "sha512" });
  expect(() => read("d-ng", sized(longest + 1))).toThrow("digest");
});
