// SPDX-License-Identifier: Apache-2.0

import { execFile } from "node:child_process";
import { promisify } from "node:util";

// tpm2-tss 3 knows no unix sockets, but it can talk to a command.
const RELAY =
  'const s=require("net").connect(process.argv[1]);process.stdin.pipe(s).pipe(process.stdout)';

/**
 * Runs a program of tpm2-tools, our oracle, and returns what it printed. Paths in `args` are below `cwd`.
 *
 * With `socketPath` it talks to the swtpm behind it, which serves one client at a time: close yours first.
 */
export async function runTpm2(
  tool: string,
  args: readonly string[],
  { cwd, socketPath }: { readonly cwd: string; readonly socketPath?: string },
): Promise<string> {
  const tcti =
    socketPath === undefined ? {} : { TPM2TOOLS_TCTI: `cmd:node -e '${RELAY}' ${socketPath}` };
  const env = { ...process.env, ...tcti };
  const { stdout } = await promisify(execFile)(`tpm2_${tool}`, args, { cwd, env });
  return stdout;
}
