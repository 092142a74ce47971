// SPDX-License-Identifier: Apache-2.0

import { NsImaError } from "../error.ts";
import { bytePathToText } from "../list/byte-path.ts";
import type { BytePath } from "../log/event.ts";

/**
 * Compiles one exclude into a test of whether it matches at the *start* of a text, not necessarily to its end: Keylime
 * uses Python's `re.match`, so `/usr` excludes all below it and `evil` does not exclude `/usr/bin/evil`.
 *
 * Containers choose the paths that are matched, so the engine must work in linear time. Throws for what is no pattern.
 */
export type PatternCompiler = (source: string) => (text: string) => boolean;

// An exclude that begins like all paths, or like no path at all (an execution whose path the kernel could not tell),
// switches the policy off.
const MATCHED_BY_EVERYTHING = ["", "/"];

/**
 * One test for all of `sources`. Each is compiled for itself; joined, as Keylime does it, one bad pattern disables the
 * others.
 *
 * @throws NsImaError `POLICY_PATTERN`, with every exclude that is no pattern or matches every path
 */
export function compileExcludes(
  sources: readonly string[],
  compilePattern: PatternCompiler,
): (path: BytePath) => boolean {
  const problems: string[] = [];
  const patterns: ((text: string) => boolean)[] = [];
  for (const [index, source] of sources.entries()) {
    try {
      const matches = compilePattern(source);
      if (MATCHED_BY_EVERYTHING.some((text) => matches(text))) {
        throw new Error("matches every path");
      }
      patterns.push(matches);
    } catch (cause) {
      problems.push(`excludes[${index}] ${JSON.stringify(source)}: ${cause}`);
    }
  }
  if (problems.length > 0) {
    throw new NsImaError("POLICY_PATTERN", problems.join("; "), { problems });
  }
  return (path) => {
    const text = bytePathToText(path);
    return patterns.some((matches) => matches(text));
  };
}
