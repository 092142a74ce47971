// SPDX-License-Identifier: Apache-2.0

import { NsImaError } from "../error.ts";
import { bytePathToText } from "../list/byte-path.ts";
import type { BytePath } from "../log/event.ts";

/** Patterns that are matched together. */
export interface CompiledPatterns {
  /** Steps that one character of a text can take at most. */
  readonly size: number;
  /** Whether one of them matches at the *start* of `text`, not necessarily to its end. */
  matches(text: string): boolean;
}

/**
 * Compiles patterns as Keylime uses them, which is Python's `re.match`: `/usr` excludes all below it and `evil` does not
 * exclude `/usr/bin/evil`.
 *
 * Containers choose the paths that are matched, so the engine must work in linear time. Throws for what is no pattern.
 */
export type PatternCompiler = (sources: readonly string[]) => CompiledPatterns;

/** Excludes of one policy. */
export const EXCLUDES_MAX = 1_024;
/** Characters of one exclude. */
export const EXCLUDE_LENGTH_MAX = 1_024;
/** `CompiledPatterns.size` of all excludes of one policy. */
export const EXCLUDES_SIZE_MAX = 4_096;
/**
 * `CompiledPatterns.size` times the bytes of a path: some 30 ms. A longer path is not matched, and so not excluded: with
 * patterns of 256 steps together that is none that Linux allows, with as many steps as there may be one of 256 bytes.
 */
export const EXCLUDES_WORK_MAX: number = 1024 * 1024;

// An exclude that begins like all paths, or like no path at all (an execution whose path the kernel could not tell),
// switches the policy off.
const MATCHED_BY_EVERYTHING = ["", "/"];

/**
 * One test for all of `sources`. Each is compiled for itself first: joined, as Keylime does it, one bad pattern disables
 * the others.
 *
 * @throws NsImaError `POLICY_PATTERN`, with every exclude that is no pattern, matches every path or is too long, or when
 * they are too many or too large together
 */
export function compileExcludes(
  sources: readonly string[],
  compilePatterns: PatternCompiler,
): (path: BytePath) => boolean {
  if (sources.length > EXCLUDES_MAX) {
    throw refused([`excludes: ${sources.length} patterns, at most ${EXCLUDES_MAX}`]);
  }
  const problems = sources.flatMap((source, index) => {
    const problem = problemOf(source, compilePatterns);
    return problem === null ? [] : [`excludes[${index}] ${JSON.stringify(source)}: ${problem}`];
  });
  if (problems.length > 0) throw refused(problems);
  const { size, matches } = compilePatterns(sources);
  if (size > EXCLUDES_SIZE_MAX) {
    throw refused([`excludes: ${size} steps together, at most ${EXCLUDES_SIZE_MAX}`]);
  }
  return (path) => path.length * size <= EXCLUDES_WORK_MAX && matches(bytePathToText(path));
}

function problemOf(source: string, compilePatterns: PatternCompiler): string | null {
  if (source.length > EXCLUDE_LENGTH_MAX) return `longer than ${EXCLUDE_LENGTH_MAX} characters`;
  try {
    const { size, matches } = compilePatterns([source]);
    if (size > EXCLUDES_SIZE_MAX) return `${size} steps, at most ${EXCLUDES_SIZE_MAX}`;
    return MATCHED_BY_EVERYTHING.some((text) => matches(text)) ? "matches every path" : null;
  } catch (cause) {
    return String(cause);
  }
}

function refused(problems: readonly string[]): NsImaError {
  return new NsImaError("POLICY_PATTERN", problems.join("; "), { problems });
}
