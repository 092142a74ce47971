// SPDX-License-Identifier: Apache-2.0
import { type ChildProcessByStdio, spawn } from "node:child_process";
import type { Readable } from "node:stream";

const SETPRIV = "setpriv";

/**
 * Starts a program that does not outlive this process, however that ends: the kernel kills it (PR_SET_PDEATHSIG). It has no
 * input; its output comes through pipes.
 */
export function startBoundProcess(
  program: string,
  args: readonly string[],
): ChildProcessByStdio<null, Readable, Readable> {
  return spawn(SETPRIV, ["--pdeathsig", "KILL", program, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
  });
}
