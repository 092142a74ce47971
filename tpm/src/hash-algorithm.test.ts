// SPDX-License-Identifier: Apache-2.0

import { expect, it } from "vitest";
import { codeOf } from "../test/code-of.ts";
import { digest, HASH_ALGORITHMS, hashById, hashByName } from "./hash-algorithm.ts";

it("finds each algorithm by name and by id, with digests of its size", () => {
  for (const algorithm of Object.values(HASH_ALGORITHMS)) {
    expect(hashByName(algorithm.name)).toBe(algorithm);
    expect(hashById(algorithm.id)).toBe(algorithm);
    expect(digest(algorithm.name)).toHaveLength(algorithm.size);
  }
});

it.each(["constructor", "__proto__", "toString", "SHA256", ""])("knows no hash %j", (name) => {
  expect(codeOf(() => hashByName(name))).toBe("HASH_UNKNOWN");
});

it("knows no hash by an id that is not in the table", () => {
  expect(codeOf(() => hashById(0x0012))).toBe("HASH_UNKNOWN");
});

it("hashes the concatenation", () => {
  const parts = [Buffer.from("a"), Buffer.from("bc")];
  expect(digest("sha256", ...parts)).toEqual(digest("sha256", Buffer.from("abc")));
});
