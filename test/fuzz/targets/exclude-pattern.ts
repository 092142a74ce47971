// SPDX-License-Identifier: Apache-2.0

import { compileExcludes } from "../../../ns-ima/src/policy/excludes.ts";
import { compileLinearPatterns } from "../../../verifier/src/policy/linear-pattern.ts";
import { SLOWNESS } from "../engine/limits.ts";
import type { Random } from "../engine/random.ts";
import type { FuzzTarget } from "../engine/target.ts";
import { joinParts, partsOf } from "./parts.ts";
import { utf8 } from "./vectors.ts";

/** Milliseconds for one pattern and one path, compilation included. */
const PATTERN_MAX = 50;
/** Bytes that compiling a pattern may allocate, most of them for a moment: classes of letters have hundreds of ranges. */
const COMPILED_MAX = 32 * 1024 * 1024;
const PATTERN_BYTES = 256;
const PATH_BYTES = 4096;

const HOSTILE = [
  "(a+)+$",
  "(a|a)*b",
  "(.*)*x",
  "(?:a?){60}a{60}",
  "((a{1,30}){1,30}){1,30}",
  "^(([a-z])+.)+[A-Z]([a-z])+$",
  "[\\s\\S]*[\\s\\S]*[\\s\\S]*z",
  "\\p{L}+\\p{Nd}*$",
  "(?i)stra\u00dfe",
  "(a)\\1",
  "(?=a)b",
  "/var/lib/[^/]+/\\d{1,1000}$",
];
const PIECES = [
  ...[
    "(",
    ")",
    "(?:",
    "(?i)",
    "(?P<a>",
    "|",
    "*",
    "+",
    "?",
    "*?",
    "{2}",
    "{1,99}",
    "{1000}",
    "{,3}",
  ],
  ...["[", "]", "[^/]", "[a-z]", "[[:alpha:]]", ".", "^", "$", "\\b", "\\d", "\\pL", "\\x{10ffff}"],
  ...["\\Q", "\\E", "\\1", "(?=", "(?!", "a", "/", "/tmp/", "\u00e9", "\ud83d\ude00", "\ud800"],
];

/** An exclude of a policy and a path that a container chose: neither takes long, whatever they are. */
export function excludePattern(): FuzzTarget {
  const paths = ["/tmp/x", `/${"a".repeat(PATH_BYTES - 1)}`, `/${"a".repeat(2000)}!`];
  return {
    name: "exclude-pattern",
    seeds: HOSTILE.flatMap((source) => paths.map((path) => joinParts(utf8(source), utf8(path)))),
    mutators: [],
    generate: (random) => joinParts(utf8(sourceOf(random)), utf8(pathOf(random))),
    inputMax: PATTERN_BYTES + PATH_BYTES + 4,
    errors: ["NsImaError"],
    timeMax: SLOWNESS * PATTERN_MAX,
    allocatedMax: COMPILED_MAX,
    run(input) {
      const [source = input, path = input] = partsOf(input, 2).map((part) => Buffer.from(part));
      const excludes = compileExcludes(
        [source.toString().substring(0, PATTERN_BYTES)],
        compileLinearPatterns,
      );
      return String(excludes(Buffer.from(path).toString("latin1").substring(0, PATH_BYTES)));
    },
  };
}

function sourceOf(random: Random): string {
  const base = random.oneIn(3) ? random.pick(HOSTILE) : "";
  const pieces = Array.from({ length: 1 + random.below(12) }, () => random.pick(PIECES));
  return base + pieces.join("");
}

function pathOf(random: Random): string {
  const unit = random.pick(["a", "ab", "/", "aA", "\u00e9", "1", "x/"]);
  return `/${unit.repeat(random.below(PATH_BYTES / unit.length / 2))}${random.pick(["", "!", "b", "z"])}`;
}
