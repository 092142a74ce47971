// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from "node:child_process";

/** What a program says first, of itself for example. */
export function firstLine([program = "", ...args]: readonly string[]): string {
  return execFileSync(program, args, { encoding: "utf8" }).split("\n")[0] ?? "";
}
