// SPDX-License-Identifier: Apache-2.0

import type { PatternCompiler } from "@nsattest/ns-ima";
import { RE2Set } from "re2js";
import { patternCost } from "./pattern-cost.ts";

/** What begins a path and nothing else, such as `/var/log/.*`: most excludes are that, and need no engine. */
const LITERAL = /^\^?((?:[\w/ ,:;=@#%&~"'!<>-]|\\[!-/:-@[-`{-~])+)(?:\.\*)?$/;
const ESCAPE = /\\(.)/g;

/** Bytes of automaton that RE2 keeps. Beyond that it simulates one, which is faster than to make ever new states. */
const AUTOMATON_BYTES = 256 * 1024;

/** `patternCost` of one pattern: one of 1,024 characters without counts, which RE2 compiles within some 10 ms. */
export const PATTERN_COST_MAX = 2_048;

/**
 * Compiles patterns with RE2, as one automaton whose time is linear in the text whatever the patterns: containers choose
 * the paths that are matched. Back references and look-around, which RE2 cannot have, are refused,
 * and so is what would take long to compile.
 *
 * @throws what RE2 throws for what is no such pattern, or Error for one that is too large
 */
export const compileLinearPatterns: PatternCompiler = (sources) => {
  const prefixes: string[] = [];
  const patterns = new RE2Set(RE2Set.ANCHOR_START, 0, AUTOMATON_BYTES);
  let size = 0;
  for (const source of sources) {
    const literal = LITERAL.exec(source)?.[1];
    if (literal !== undefined) {
      prefixes.push(literal.replace(ESCAPE, "$1"));
      continue;
    }
    if (patternCost(source) > PATTERN_COST_MAX)
      throw new Error("too large when its counts are written out");
    size += 1 + patterns.add(source);
  }
  if (size > 0) {
    patterns.compile();
    size = patterns.prog.numInst();
  }
  return {
    size,
    matches: (text) =>
      prefixes.some((prefix) => text.startsWith(prefix)) ||
      (size > 0 && patterns.match(text).length > 0),
  };
};
