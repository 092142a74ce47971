// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from "vitest";
import { compileLinearPatterns, PATTERN_COST_MAX } from "./linear-pattern.ts";
import { patternCost } from "./pattern-cost.ts";

const compile = (source: string) => compileLinearPatterns([source]).matches;

describe("compileLinearPatterns", () => {
  it.each([
    ["/usr", "/usr/bin/env", true],
    ["/usr", "/opt/usr", false],
    ["usr", "/usr", false],
    ["/usr/(bin|sbin)/[a-z]+$", "/usr/sbin/init", true],
    ["/usr/(bin|sbin)/[a-z]+$", "/usr/sbin/init2", false],
    ["/tmp|/var/tmp", "/var/tmp/x", true],
    ["(?i)/USR", "/usr", true],
    ["/ü.*\\.ko", "/ünder/x.ko", true],
    ["/opt/a\\.b\\-c", "/opt/a.b-cd", true],
    ["/opt/a\\.b", "/opt/aXb", false],
    ["^/opt/.*", "/opt/\nx", true],
    ["^/opt/.*", "/opt", false],
    ["/opt/.*$", "/opt/\nx", false],
    ["/a]b", "/a]bc", true],
    ["\\Q/a.b\\E", "/a.b", true],
    ["/a\\d", "/a1", true],
  ])("matches %s at the beginning of %s: %s", (pattern, text, expected) => {
    expect(compile(pattern)(text)).toBe(expected);
  });

  it.each(["(", "a**", "\\1", "(?=a)", "(?<=a)b", "[z-a]"])("refuses %s", (pattern) => {
    expect(() => compile(pattern)).toThrow();
  });

  it("needs no more steps for a pattern that would make others explode", () => {
    const matches = compile("(a+)+(b+)+$");
    expect(matches(`${"a".repeat(50_000)}!`)).toBe(false);
  });

  it("matches when one of several does, those that need no engine and those that do", () => {
    const { matches } = compileLinearPatterns(["/usr/", "/opt/.*", "/var/[a-z]+/x", "/srv/(a|b)"]);
    expect(["/usr/a", "/opt/", "/var/q/x", "/srv/b"].map(matches)).toEqual(Array(4).fill(true));
    expect(["/usr", "/var/1/x", "/srv/c", ""].map(matches)).toEqual(Array(4).fill(false));
  });

  it("has the size of what the engine has to do, which is nothing for the beginning of a path", () => {
    expect(compileLinearPatterns([]).size).toBe(0);
    expect(compileLinearPatterns([]).matches("/")).toBe(false);
    expect(compileLinearPatterns(["/usr", "/a\\.b.*"]).size).toBe(0);
    const one = compileLinearPatterns(["/var/[a-z]{10}"]).size;
    expect(one).toBeGreaterThan(10);
    expect(compileLinearPatterns(["/var/[a-z]{10}", "/opt/[0-9]{90}"]).size).toBeGreaterThan(
      one + 90,
    );
  });

  it("refuses what would take long to compile", () => {
    const most = ".?".repeat(PATTERN_COST_MAX / 4);
    expect(patternCost(most)).toBe(PATTERN_COST_MAX);
    expect(() => compile(most)).not.toThrow();
    expect(() => compile(`${most}.`)).toThrow("too large");
    expect(() => compile("(?:(?:\\pL{10}){10}){10}")).toThrow("too large");
  });
});
