// SPDX-License-Identifier: Apache-2.0

import { Buffer } from "node:buffer";
import fc from "fast-check";
import { expect, it } from "vitest";
import { imaPath } from "../list/byte-path.ts";
import { bothTables, digestTable, imaDigestTable } from "./digest-table.ts";

const hex = fc.constantFrom("a", "b", "c").map((digit) => digit.repeat(64));
const path = fc.constantFrom("/a b", "/a_b", "/a  b", "/a_ b", "/c", "", "__proto__");
const digests = fc
  .array(fc.tuple(path, fc.uniqueArray(hex, { maxLength: 3 })), { maxLength: 7 })
  .map((entries) => new Map(entries));
const bytes = (text: string): Uint8Array => Buffer.from(text, "hex");

it("is the map that it was made of", () => {
  fc.assert(
    fc.property(digests, path, hex, (map, asked, digest) => {
      const table = digestTable(map);
      expect(table.has(asked)).toBe(map.has(asked));
      expect(table.expected(asked)).toEqual(map.get(asked) ?? []);
      expect(table.allows(asked, bytes(digest))).toBe(map.get(asked)?.includes(digest) ?? false);
      expect(table.allows(asked, bytes(digest.slice(2)))).toBe(false);
      expect(table.allows(asked, bytes(`${digest}aa`))).toBe(false);
      expect(table.isEmpty).toBe([...map.values()].flat().length === 0);
      expect([...table.entries()]).toEqual([...map]);
    }),
  );
});

it("has by a path of IMA's the digests of all paths that IMA writes so, and nothing by another", () => {
  fc.assert(
    fc.property(digests, path, hex, (map, asked, digest) => {
      const table = imaDigestTable(map, digestTable(map));
      const alike = [...map].filter(([name]) => imaPath(name) === asked);
      const expected = new Set(alike.flatMap(([, list]) => list));
      expect(table.has(asked)).toBe(alike.length > 0);
      expect(new Set(table.expected(asked))).toEqual(expected);
      expect(table.allows(asked, bytes(digest))).toBe(expected.has(digest));
      expect(table.isEmpty).toBe(digestTable(map).isEmpty);
      expect([...table.entries()]).toEqual([...map].map(([name, list]) => [imaPath(name), list]));
    }),
  );
});

it("of two tables has what either has", () => {
  fc.assert(
    fc.property(digests, digests, path, hex, (one, other, asked, digest) => {
      const both = bothTables(digestTable(one), digestTable(other));
      const expected = [...(one.get(asked) ?? []), ...(other.get(asked) ?? [])];
      expect(both.has(asked)).toBe(one.has(asked) || other.has(asked));
      expect(new Set(both.expected(asked))).toEqual(new Set(expected));
      expect(both.allows(asked, bytes(digest))).toBe(expected.includes(digest));
      expect([...both.entries()]).toEqual([...one, ...other]);
      expect(both.isEmpty).toBe([...one.values(), ...other.values()].flat().length === 0);
    }),
  );
});
