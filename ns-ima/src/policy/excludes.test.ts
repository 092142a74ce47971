// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from "vitest";
import {
  compileExcludes,
  EXCLUDE_LENGTH_MAX,
  EXCLUDES_MAX,
  EXCLUDES_SIZE_MAX,
  EXCLUDES_WORK_MAX,
  type PatternCompiler,
} from "./excludes.ts";

/** Stands in for the linear-time engine: anchored at the start only, and each pattern as large as it is long. */
const compilePatterns: PatternCompiler = (sources) => {
  for (const source of sources) new RegExp(source, "u");
  const patterns = sources.map((source) => new RegExp(`^(?:${source})`, "u"));
  return {
    size: sources.join("").length,
    matches: (text) => patterns.some((pattern) => pattern.test(text)),
  };
};

const compile = (...sources: string[]): ((path: string) => boolean) =>
  compileExcludes(sources, compilePatterns);

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

  it("too many, one too long, or too large a one", () => {
    const many = Array.from({ length: EXCLUDES_MAX }, () => "/a");
    expect(() => compile(...many)).not.toThrow();
    expect(() => compile(...many, "/a")).toThrowError(refuse(`at most ${EXCLUDES_MAX}`));
    const long = "/".padEnd(EXCLUDE_LENGTH_MAX, "a");
    expect(() => compile(long)).not.toThrow();
    expect(() => compile(`${long}a`)).toThrowError(refuse("excludes[0]"));
    const sized = (size: number) => () =>
      compileExcludes(["/a"], () => ({ size, matches: () => false }));
    expect(sized(EXCLUDES_SIZE_MAX)).not.toThrow();
    expect(sized(EXCLUDES_SIZE_MAX + 1)).toThrowError(refuse("excludes[0]"));
  });

  it("what is too large together", () => {
    const each = "/".padEnd(EXCLUDE_LENGTH_MAX, "a");
    const most = Array.from({ length: EXCLUDES_SIZE_MAX / EXCLUDE_LENGTH_MAX }, () => each);
    expect(() => compile(...most)).not.toThrow();
    expect(() => compile(...most, "/a")).toThrowError(refuse(`at most ${EXCLUDES_SIZE_MAX}`));
  });
});

it("does not match, and so does not exclude, a path for which that would take too long", () => {
  const size = 256;
  const isExcluded = compileExcludes(["/a"], () => ({ size, matches: (text) => text.length > 1 }));
  const longest = "/".padEnd(EXCLUDES_WORK_MAX / size, "a");
  expect(longest).toHaveLength(4096);
  expect(isExcluded(longest)).toBe(true);
  expect(isExcluded(`${longest}a`)).toBe(false);
});
