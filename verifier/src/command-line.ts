// SPDX-License-Identifier: Apache-2.0

import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { parseArgs } from "node:util";
import { parseConfig } from "./config.ts";
import { VerifierError } from "./error.ts";
import { jsonLog } from "./log.ts";
import { runVerifier } from "./run.ts";

/** What a command line works with: a process, or a test. */
export interface CommandLineSurroundings {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  readonly now: () => Date;
  /** Ends `serve`. */
  readonly signal: AbortSignal;
}

export const EXIT = { ok: 0, failed: 1, usage: 2 } as const;

const HELP = `Usage:
  nsattest-verifier serve --config FILE

serve   Verifies nodes until SIGTERM or SIGINT. FILE is JSON; relative paths count from its folder:
        {"listen": {"host": "0.0.0.0", "port": 8444}, "database": "verifier.db",
         "tls": {"ca": "ca/ca.crt", "certificate": "ca/verifier.crt", "key": "ca/verifier.key"},
         "registrar": {"url": "https://registrar.example:8443"}, "policies": "policies",
         "intervalSeconds": 10, "validSeconds": 60, "pendingSeconds": 120}
        policies is a folder with node-policy.json, namespace-policies.json and the runtime policies they
        name; it is read when the verifier starts. Writes one JSON object a line to stdout, one for each
        verdict that changes.

Exit codes: 0 done, 1 failed (one line on stderr begins with a code), 2 not a command.
`;

type Command = { readonly kind: "help" } | { readonly kind: "serve"; readonly config: string };

/** Runs `nsattest-verifier` with `args`; returns the exit code. Faults of ours are thrown as they are. */
export async function runCommandLine(
  args: readonly string[],
  surroundings: CommandLineSurroundings,
): Promise<number> {
  const command = parseCommand(args);
  if (command === null) {
    surroundings.err(HELP);
    return EXIT.usage;
  }
  try {
    await run(command, surroundings);
    return EXIT.ok;
  } catch (error) {
    if (!(error instanceof VerifierError)) throw error;
    surroundings.err(`${error.code}: ${error.message}\n`);
    return EXIT.failed;
  }
}

async function run(command: Command, surroundings: CommandLineSurroundings): Promise<void> {
  const { out, now, signal } = surroundings;
  if (command.kind === "help") return out(HELP);
  const file = resolve(command.config);
  const config = parseConfig(await readConfig(file), dirname(file));
  return runVerifier(config, { log: jsonLog(out, now), now, signal });
}

/** Null for what is no command. */
function parseCommand(args: readonly string[]): Command | null {
  const [verb, ...rest] = args;
  if (args.includes("--help") || args.includes("-h")) return { kind: "help" };
  if (verb !== "serve") return null;
  try {
    const { values } = parseArgs({ args: rest, options: { config: { type: "string" } } });
    return values.config ? { kind: "serve", config: values.config } : null;
  } catch (error) {
    // parseArgs throws TypeErrors of these codes for unknown options, missing values and positionals.
    if (error instanceof TypeError && "code" in error) return null;
    throw error;
  }
}

async function readConfig(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (cause) {
    throw new VerifierError("CONFIG_INVALID", `${file} cannot be read`, { cause });
  }
}
