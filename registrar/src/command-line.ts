// SPDX-License-Identifier: Apache-2.0

import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { parseArgs } from "node:util";
import { initAuthority } from "./ca/init.ts";
import { parseConfig } from "./config.ts";
import { RegistrarError } from "./error.ts";
import { jsonLog } from "./log.ts";
import { runRegistrar } from "./run.ts";

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
  nsattest-registrar serve --config FILE
  nsattest-registrar init --dir DIR [--host HOST]...

serve   Enrols nodes until SIGTERM or SIGINT. FILE is JSON; relative paths count from its folder:
        {"listen": {"host": "0.0.0.0", "port": 8443}, "database": "registrar.db", "caDir": "ca",
         "ekRoots": "ek-roots", "ekIntermediates": "ek-intermediates"}
        caDir holds ca.* and registrar.* made by init. ekRoots and ekIntermediates hold PEM certificates
        of TPM vendors; with no root nobody enrols. Writes one JSON object a line to stdout.
init    Makes the certificate authority in DIR, which must be empty or not be there: ca, registrar,
        verifier and operator, each a .crt and a .key. HOST is a name or an address under which registrar
        and verifier are reached; without any, localhost and 127.0.0.1.

Exit codes: 0 done, 1 failed (one line on stderr begins with a code), 2 not a command.
`;
const DEFAULT_HOSTS = ["localhost", "127.0.0.1"];

type Command =
  | { readonly kind: "help" }
  | { readonly kind: "serve"; readonly config: string }
  | { readonly kind: "init"; readonly dir: string; readonly hosts: readonly string[] };

/** Runs `nsattest-registrar` with `args`; returns the exit code. Faults of ours are thrown as they are. */
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
    if (!(error instanceof RegistrarError)) throw error;
    surroundings.err(`${error.code}: ${error.message}\n`);
    return EXIT.failed;
  }
}

async function run(command: Command, surroundings: CommandLineSurroundings): Promise<void> {
  const { out, now, signal } = surroundings;
  switch (command.kind) {
    case "help":
      return out(HELP);
    case "init":
      await initAuthority(command.dir, { hosts: command.hosts, now: now() });
      return out(`${resolve(command.dir)}\n`);
    case "serve": {
      const file = resolve(command.config);
      const config = parseConfig(await readConfig(file), dirname(file));
      return runRegistrar(config, { log: jsonLog(out, now), now, signal });
    }
  }
}

/** Null for what is no command. */
function parseCommand(args: readonly string[]): Command | null {
  const [verb, ...rest] = args;
  if (args.includes("--help") || args.includes("-h")) return { kind: "help" };
  try {
    if (verb === "serve") {
      const { values } = parseArgs({ args: rest, options: { config: { type: "string" } } });
      return values.config ? { kind: "serve", config: values.config } : null;
    }
    if (verb === "init") {
      const { values } = parseArgs({
        args: rest,
        options: { dir: { type: "string" }, host: { type: "string", multiple: true } },
      });
      const { dir, host: hosts = DEFAULT_HOSTS } = values;
      return dir ? { kind: "init", dir, hosts } : null;
    }
  } catch (error) {
    // parseArgs throws TypeErrors of these codes for unknown options, missing values and positionals.
    if (!(error instanceof TypeError && "code" in error)) throw error;
  }
  return null;
}

async function readConfig(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (cause) {
    throw new RegistrarError("CONFIG_INVALID", `${file} cannot be read`, { cause });
  }
}
