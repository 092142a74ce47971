// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from "vitest";
import { FILES, isTest, read } from "./source-tree.ts";

const LINES_MAX = 400;
/** What people write. The lock is made by npm (see versions.test.ts). */
const TEXTS = FILES.filter((path) => !path.endsWith(".o") && path !== "package-lock.json");
/** Code and scripts: what is neither data nor prose nor settings. */
const SOURCES = TEXTS.filter((path) => !/\.(?:json|md)$|(?:^|\/)\.(?:gitignore|npmrc)$/.test(path));

/** This file holds the words that it looks for. */
const OWN_PATH = "test/repo/files.test.ts";

/** Lines of `paths` in which `pattern` occurs. */
function hits(paths: readonly string[], pattern: RegExp): string[] {
  return paths
    .filter((path) => path !== OWN_PATH)
    .flatMap((path) =>
      read(path)
        .split("\n")
        .map((line, index) => `${path}:${index + 1}: ${line}`)
        .filter((line) => pattern.test(line)),
    );
}

describe("a source", () => {
  it("begins with its licence, scripts after the line that names their shell", () => {
    const licence = /^(?:#!.*\n)?(?:\/\/|#) SPDX-License-Identifier: \S/;
    expect(SOURCES.filter((path) => !licence.test(read(path)))).toEqual([]);
  });

  it("has at most 400 lines", () => {
    const lines = (path: string): number => read(path).trimEnd().split("\n").length;
    expect(SOURCES.filter((path) => lines(path) > LINES_MAX)).toEqual([]);
  });

  it("says why it overrules a tool", () => {
    const overrules =
      /(?:biome|[vc]8|istanbul|prettier)[ -]ignore|@ts-[a-z]+|eslint-|shellcheck disable/;
    const reasoned =
      /(?:biome-ignore(?:-all)? [\w/]+: |ignore [a-z]+ --? |@ts-expect-error )\S+ \S+/;
    expect(hits(SOURCES, overrules).filter((line) => !reasoned.test(line))).toEqual([]);
  });
});

describe("a file", () => {
  it("has a name in kebab-case, and so have its folders", () => {
    const part = /^\.?[a-z0-9]+(?:[-.][a-z0-9]+)*$/;
    const document = /^[A-Z]+(?:\.md)?$/;
    const isName = (path: string): boolean =>
      path.split("/").every((name) => part.test(name) || document.test(name));
    expect(FILES.filter((path) => !isName(path))).toEqual([]);
  });

  it("lies in a folder that says what is in it", () => {
    const drawers = /(?:^|\/)(?:utils?|helpers?|commons?|types?|misc|libs?)(?:\/|\.[a-z]+$)/;
    expect(FILES.filter((path) => drawers.test(path))).toEqual([]);
  });

  it("leaves nothing to be done later", () => {
    expect(hits(TEXTS, /\b(?:TODO|FIXME|XXX)\b/)).toEqual([]);
  });
});

describe("a test", () => {
  const tests = FILES.filter(isTest);

  it("replaces no module: what a part needs is an argument", () => {
    expect(hits(tests, /\bvi\.(?:do)?(?:Mock|mock)\(/)).toEqual([]);
  });

  it("waits for what happens, not for time to pass", () => {
    expect(hits(tests, /\bset(?:Timeout|Interval)\(|"node:timers/)).toEqual([]);
  });

  it("is not left out without saying when it runs", () => {
    expect(hits(tests, /\b(?:it|test|describe)\.(?:only|skip|todo)\b/)).toEqual([]);
  });
});

describe("the repository", () => {
  // The root user's home in the lab's machine is a folder like any other.
  const outside = TEXTS.filter((path) => !path.startsWith("test/vm/"));

  it("knows no folder of a developer's machine", () => {
    const before = /(?<![\w.}>-])/.source;
    const folder = /\/(?:work|root|home\/\w+|Users\/\w+)\//.source;
    expect(hits(outside, new RegExp(before + folder))).toEqual([]);
  });

  it("names no package registry: whoever installs chooses one", () => {
    const host =
      /https?:\/\/\S*(?:registry|npm|artifactory|nexus)|^\.npmrc:.*\bregistry\s*=|\bnpmjs\b/;
    expect(hits(TEXTS, host)).toEqual([]);
  });
});
