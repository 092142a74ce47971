// SPDX-License-Identifier: Apache-2.0

import type { PatternCompiler } from "@nsattest/ns-ima";
import { RE2JS } from "re2js";

/**
 * Compiles a pattern with RE2, whose time is linear in the text whatever the pattern: containers choose the paths that
 * are matched. Back references and look-around, which RE2 cannot have, are refused.
 *
 * @throws what RE2 throws for what is no such pattern
 */
export const compileLinearPattern: PatternCompiler = (source) => {
  const pattern = RE2JS.compile(source);
  return (text) => pattern.matcher(text).lookingAt();
};
