// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from "vitest";
import { compileLinearPattern, INSTRUCTIONS_MAX, PATTERN_MAX } from "./linear-pattern.ts";

describe("compileLinearPattern", () => {
  it.each([
    ["/usr", "/usr/bin/env", true],
    ["/usr", "/opt/usr", false],
    ["usr", "/usr", false],
    ["/usr/(bin|sbin)/[a-z]+$", "/usr/sbin/init", true],
    ["/usr/(bin|sbin)/[a-z]+$", "/usr/sbin/init2", false],
    ["/tmp|/var/tmp", "/var/tmp/x", true],
    ["(?i)/USR", "/usr", true],
    ["/ü.*\\.ko", "/ünder/x.ko", true],
  ])("matches %s at the beginning of %s: %s", (pattern, text, expected) => {
    expect(compileLinearPattern(pattern)(text)).toBe(expected);
  });

  it.each(["(", "a**", "\\1", "(?=a)", "(?<=a)b", "[z-a]"])("refuses %s", (pattern) => {
    expect(() => compileLinearPattern(pattern)).toThrow();
  });

  it("takes patterns up to its limits, and none beyond", () => {
    // An instruction for each character, and two for the beginning and the end.
    const largest = "x".repeat(INSTRUCTIONS_MAX - 2);
    expect(compileLinearPattern(largest)(largest)).toBe(true);
    expect(() => compileLinearPattern(`${largest}x`)).toThrow("instructions");
    expect(() => compileLinearPattern("((a{1,30}){1,30})b")).toThrow("instructions");
    const longest = `[${"x".repeat(PATTERN_MAX - 2)}]`;
    expect(compileLinearPattern(longest)("x")).toBe(true);
    expect(() => compileLinearPattern(`${longest}?`)).toThrow("characters");
  });

  it("needs no more steps for a pattern that would make others explode", () => {
    const matches = compileLinearPattern("(a+)+(b+)+$");
    expect(matches(`${"a".repeat(50_000)}!`)).toBe(false);
  });
});
