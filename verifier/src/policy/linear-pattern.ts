// SPDX-License-Identifier: Apache-2.0

import type { PatternCompiler } from "@nsattest/ns-ima";
import { RE2JS } from "re2js";

/** Characters of a pattern. */
export const PATTERN_MAX = 4096;

/**
 * Instructions of a compiled pattern. Each may be a step for each character of a text: linear, but with counted
 * repeats one short pattern has thousands. With as many, the longest path takes some 40 ms.
 */
export const INSTRUCTIONS_MAX = 512;

/**
 * Compiles a pattern with RE2, whose time is linear in the text whatever the pattern: containers choose the paths that
 * are matched. Back references and look-around, which RE2 cannot have, are refused, and what is larger than the limits.
 *
 * @throws Error for what is no such pattern
 */
export const compileLinearPattern: PatternCompiler = (source) => {
  if (source.length > PATTERN_MAX) throw new Error(`longer than ${PATTERN_MAX} characters`);
  const pattern = RE2JS.compile(source);
  if (pattern.programSize() > INSTRUCTIONS_MAX) {
    throw new Error(`larger than ${INSTRUCTIONS_MAX} instructions, for it repeats too much`);
  }
  return (text) => pattern.matcher(text).lookingAt();
};
