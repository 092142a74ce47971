// SPDX-License-Identifier: Apache-2.0

import { expect, it } from "vitest";
import { DigestSet } from "./digest-set.ts";
import { digestText } from "./digest-text.ts";

const digest = (...bytes: number[]) => ({
  algorithm: "sha256",
  value: new Uint8Array(32).map((_, at) => bytes[at] ?? 7),
});

it("has what it was made of, and nothing that only begins like it", () => {
  const set = new DigestSet(new Set([digest(1, 2, 3), digest(0, 0, 0)].map(digestText)));
  expect(set.has(digest(1, 2, 3))).toBe(true);
  expect(set.has(digest(0, 0, 0))).toBe(true);
  expect(set.has(digest(1, 2, 3, 4))).toBe(false);
  expect(set.has(digest(1, 2, 4))).toBe(false);
  expect(set.has({ ...digest(1, 2, 3), algorithm: "verity:sha256" })).toBe(false);
  expect(set.has({ algorithm: "sha256", value: new Uint8Array() })).toBe(false);
  expect(new DigestSet(new Set()).has(digest(1, 2, 3))).toBe(false);
});
