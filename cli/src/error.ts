// SPDX-License-Identifier: Apache-2.0

/**
 * What can go wrong in the command.
 *
 * - `USAGE`: arguments that cannot be used
 * - `FILE`: a file that was named cannot be read or written
 * - `TERMINAL`: what was asked for is no text, and a terminal cannot show it
 * - `NAMESPACE_UNKNOWN`, `NAMESPACE_AMBIGUOUS`: no namespace has that name, or several have
 * - `ACCESS_FILE`: the file that says how to reach the verifier is missing or not readable
 * - `VERIFIER_UNREACHABLE`, `VERIFIER_REFUSED`, `VERIFIER_ANSWER`: the verifier does not answer, says no, or answers with something else
 * - `DEMO_INCOMPLETE`: the demo did not come to its end
 */
export type CliErrorCode =
  | "USAGE"
  | "FILE"
  | "TERMINAL"
  | "NAMESPACE_UNKNOWN"
  | "NAMESPACE_AMBIGUOUS"
  | "ACCESS_FILE"
  | "VERIFIER_UNREACHABLE"
  | "VERIFIER_REFUSED"
  | "VERIFIER_ANSWER"
  | "DEMO_INCOMPLETE";

/** An error whose message is for the person at the terminal: what, where, why, what next. */
export class CliError extends Error {
  override readonly name = "CliError";
  readonly code: CliErrorCode;

  constructor(code: CliErrorCode, message: string, options: ErrorOptions = {}) {
    super(message, options);
    this.code = code;
  }
}

/** Exit codes of every subcommand. */
export const EXIT: Readonly<
  Record<"ok" | "failed" | "usage" | "unproven" | "contraindicated", number>
> = {
  /** Done; for `status`, `why` and `verify` also: everything is affirming. */
  ok: 0,
  failed: 1,
  usage: 2,
  /** Something is `none` or `warning`, nothing is contraindicated. */
  unproven: 3,
  contraindicated: 4,
};
