// SPDX-License-Identifier: Apache-2.0

import { expect, it } from "vitest";
import { ContentCache } from "./content-cache.ts";
import type { EntryContent } from "./entry.ts";

function content(path: string, template = "ima-ng"): EntryContent {
  return {
    template,
    kind: "file",
    violation: false,
    templateDigest: new Uint8Array(32),
    digest: null,
    path,
    signature: null,
    buffer: null,
    others: [],
  };
}

/** A digest whose first word is `first` and whose last is `last`. */
function digest(first: number, last = 0): Uint32Array {
  return Uint32Array.of(first, 0, 0, 0, 0, 0, 0, last);
}

it("finds what was added, by all of its digest and its template", () => {
  const cache = new ContentCache(64);
  const [a, b] = [content("a"), content("b")];
  cache.add(digest(1), a);
  cache.add(digest(1, 2), b);
  expect(cache.find(digest(1), "ima-ng")).toBe(a);
  expect(cache.find(digest(1, 2), "ima-ng")).toBe(b);
  expect(cache.find(digest(1, 3), "ima-ng")).toBeUndefined();
  expect(cache.find(digest(1), "ima-sig")).toBeUndefined();
  expect(cache.find(digest(2), "ima-ng")).toBeUndefined();
});

it("finds nothing where nothing was added, not even zeros", () => {
  expect(new ContentCache(4).find(digest(0), "ima-ng")).toBeUndefined();
});

it("keeps records of one digest apart that have different templates", () => {
  const cache = new ContentCache(64);
  const [a, b] = [content("a"), content("a", "d-ng|n-ng")];
  cache.add(digest(5), a);
  cache.add(digest(5), b);
  expect(cache.find(digest(5), "d-ng|n-ng")).toBe(b);
  expect(cache.find(digest(5), "ima-ng")).toBe(a);
});

it("finds lists again in their order and in any other", () => {
  const cache = new ContentCache(64);
  const all = Array.from({ length: 32 }, (_, index) => content(String(index)));
  for (const [index, one] of all.entries()) cache.add(digest(index), one);
  const orders = [all, all.toReversed(), [...all.slice(9), ...all.slice(0, 9)]];
  for (const order of orders) {
    for (const one of order) expect(cache.find(digest(Number(one.path)), "ima-ng")).toBe(one);
  }
});

it("holds no more than it may, forgets what came first, and mixes nothing up", () => {
  const cache = new ContentCache(16);
  for (let index = 0; index < 100; index++) cache.add(digest(index), content(String(index)));
  const found = Array.from({ length: 100 }, (_, index) => cache.find(digest(index), "ima-ng"));
  expect(found.filter((one) => one !== undefined).length).toBeLessThanOrEqual(16);
  expect(found[99]?.path).toBe("99");
  expect(found[0]).toBeUndefined();
  for (const [index, one] of found.entries()) {
    expect(one?.path ?? String(index)).toBe(String(index));
  }
});

it("forgets sooner what somebody made to be found by the same bits, and nothing else", () => {
  const cache = new ContentCache(64);
  const honest = content("honest");
  cache.add(digest(3), honest);
  for (let index = 1; index < 30; index++) cache.add(digest(4, index), content("hostile"));
  expect(cache.find(digest(3), "ima-ng")).toBe(honest);
  expect(cache.find(digest(4, 10), "ima-ng")).toBeUndefined();
  expect(cache.find(digest(4, 29), "ima-ng")?.path).toBe("hostile");
});
