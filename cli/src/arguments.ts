// SPDX-License-Identifier: Apache-2.0

import { type ParseArgsConfig, parseArgs } from "node:util";
import { CliError } from "./error.ts";

type Options = NonNullable<ParseArgsConfig["options"]>;
type Parsed<O extends Options> = ReturnType<
  typeof parseArgs<{ args: string[]; options: O; allowPositionals: true }>
>;

/** Reads the arguments of `nsattest COMMAND`. @throws CliError `USAGE`, which names the command's help */
export function parseArguments<O extends Options>(
  command: string,
  args: readonly string[],
  options: O,
): Parsed<O> {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true });
  } catch (cause) {
    throw usageError(command, cause instanceof Error ? cause.message : String(cause), cause);
  }
}

/** Arguments that cannot be used. */
export function usageError(command: string, why: string, cause?: unknown): CliError {
  return new CliError("USAGE", `${why}; see nsattest ${command} --help`, { cause });
}
