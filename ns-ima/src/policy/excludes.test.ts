// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from "vitest";
import { compileExcludes, type PatternCompiler } from "./excludes.ts";

/** Stands in for the linear-time engine: anchored at the start only, as `PatternCompiler` asks. */
const compilePattern: PatternCompiler = (source) => {
  new RegExp(source, "u");
  const pattern = new RegExp(`^(?:${source})`, "u");
  return (text) => pattern.test(text);
};

const compile = (...sources: string[]): ((path: string) => boolean) =>
  compileExcludes(sources, compilePattern);

it("matches from the start of a path and not to its end, as Keylime does", () => {
  const isExcluded = compile("/usr", "/var/log");
  expect(["/usr/bin/sh", "/usrlocal", "/var/logfoo"].map(isExcluded)).toEqual([true, true, true]);
  expect(["/opt/usr", " /usr", "/var/lo", ""].map(isExcluded)).toEqual([
    false,
    false,
    false,
    false,
  ]);
});

it("excludes nothing without patterns", () => {
  expect(compile()("/usr")).toBe(false);
});

it("matches text, not bytes, and lets no byte hide a path from a pattern", () => {
  const isExcluded = compile("/tmp/[^/]+/x", "/ü.z");
  expect(isExcluded("/tmp/\xff\xfe/x")).toBe(true);
  expect(isExcluded("/\xc3\xbc\xc3\xbcz")).toBe(true);
  expect(isExcluded("/\xfc\xfcz")).toBe(false);
});

describe("refuses", () => {
  const refuse = (...problems: string[]) =>
    expect.objectContaining({
      code: "POLICY_PATTERN",
      problems: problems.map((problem) => expect.stringContaining(problem)),
    });

  it("what is no pattern, naming each", () => {
    expect(() => compile("/ok", "[", "/fine", "a)|(b")).toThrowError(
      refuse("excludes[1]", "excludes[3]"),
    );
  });

  it.each(["", ".*", "(/tmp)?", "/", "/.*", "^", "/tmp|", "^$"])(
    "%j, which would switch the policy off",
    (source) => {
      expect(() => compile(source)).toThrowError(refuse("matches every path"));
    },
  );
});
