// SPDX-License-Identifier: Apache-2.0

/** A test of a check that no request can reach, because an earlier check is in the way, or because it guards a file. */
export interface NamedTest {
  readonly file: string;
  /** Part of its full name, as the file has it: of a table of cases the text of one case. */
  readonly title: string;
}

/** One check of the verification path, and what the path is without it. */
export interface Check {
  /** From the root of the repository. */
  readonly file: string;
  /** Text that is in the file exactly once. */
  readonly excerpt: string;
  /** What stands in its place when the check is gone: the rest has to run as before. */
  readonly without: string;
  /** What holds because of the check, in a few words. */
  readonly guards: string;
  /** Tests beside the forgeries that name the check. */
  readonly tests?: readonly NamedTest[];
}

/** Checks by id. */
export type Checks = Readonly<Record<string, Check>>;
