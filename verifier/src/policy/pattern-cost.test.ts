// SPDX-License-Identifier: Apache-2.0

import { RE2JS } from "re2js";
import { describe, expect, it } from "vitest";
import { patternCost } from "./pattern-cost.ts";

describe("patternCost", () => {
  it.each([
    ["", 0],
    ["ab", 4],
    ["a{3}", 6],
    ["a{3}{2}", 12],
    ["a{2,}", 6],
    ["a{2,5}", 10],
    ["(ab){10}", 40],
    ["((ab){10}){10}", 400],
    ["\\.\\.", 6],
    ["\\pL", 104],
    ["\\p{Greek}", 110],
    ["\\x{1234}", 9],
    ["[^\\pL\\pN]", 210],
    ["[a{9}]", 7],
    ["[]a]", 5],
    ["a{x}", 8],
    ["(((a", 2],
    ["a)))", 2],
    ["{3}", 0],
  ])("of %j is %d", (source, cost) => {
    expect(patternCost(source)).toBe(cost);
  });

  // RE2 says itself how many instructions it makes of a pattern.
  it.each([
    "/usr/(bin|sbin)/[a-z]+$",
    "(?:(?:ab){30}){30}",
    "(a?b*c+){300}",
    "(?i)stra\u00dfe",
    "[0-9a-f]{8}-[0-9a-f]{4}",
    ".{1000}",
    "(?:a|b|cd){100,}",
    "((a{1,9}){1,9}){1,9}",
  ])("is not far below what RE2 makes of %s", (source) => {
    expect(4 * patternCost(source) + 8).toBeGreaterThan(RE2JS.compile(source).programSize());
  });
});
