// SPDX-License-Identifier: Apache-2.0

import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { parseArgs } from "node:util";
import { administrate, type Order } from "./administration.ts";
import { initAuthority } from "./ca/init.ts";
import { parseConfig } from "./config.ts";
import { RegistrarError } from "./error.ts";
import { jsonLog } from "./log.ts";
import { runRegistrar } from "./run.ts";
import { Store } from "./store/store.ts";

/** What a command line works with: a process, or a test. */
export interface CommandLineSurroundings {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  readonly now: () => Date;
  /** Ends `serve`. */
  readonly signal: AbortSignal;
  /** Is given what reads the EK issuers anew. */
  readonly onReload?: (reload: () => Promise<void>) => void;
  /** Who gives the command, for the audit trail. */
  readonly actor: string;
}

export const EXIT = { ok: 0, failed: 1, usage: 2 } as const;

const HELP = `Usage:
  nsattest-registrar serve --config FILE
  nsattest-registrar init --dir DIR [--host HOST]...
  nsattest-registrar ek-add --config FILE --ek-hash HASH [--node ID]
  nsattest-registrar ek-remove --config FILE --ek-hash HASH
  nsattest-registrar token-create --config FILE [--hours N]
  nsattest-registrar node-approve --config FILE --ek-hash HASH --node ID
  nsattest-registrar node-replace --config FILE --ek-hash HASH --node ID
  nsattest-registrar waiting | audit --config FILE

serve   Enrols nodes until SIGTERM or SIGINT. FILE is JSON; relative paths count from its folder:
        {"listen": {"host": "0.0.0.0", "port": 8443}, "database": "registrar.db", "caDir": "ca",
         "enrolment": {"ekCertificate": {"roots": "ek-roots", "intermediates": "ek-intermediates"},
                       "ekHash": true, "joinToken": true},
         "certificateHours": 24}
        caDir holds ca.* and registrar.* made by init. enrolment names the ways in that are open, at least
        one: by a certificate of the TPM's vendor (folders of PEM certificates; with no root nobody enrols;
        SIGHUP reads them again), by an EK's hash (ek-add), by a token (token-create, then node-approve).
        Nodes get certificates for so many hours, 1 to 2160, and renew them. Writes one JSON object a line
        to stdout.
init    Makes the certificate authority in DIR, which must be empty or not be there: ca, registrar,
        verifier and operator, each a .crt and a .key. HOST is a name or an address under which registrar
        and verifier are reached; without any, localhost and 127.0.0.1.
ek-add         Lets the TPM in whose EK has this SHA-256 (of its public key in DER, hexadecimal), as
               node ID only or as any. ek-remove takes that back, or an approval.
token-create   Prints a token for one node, good for N hours (24) until it is used.
node-approve   Lets in who came with a token; waiting lists them.
node-replace   Binds node ID to another TPM, whose EK has this SHA-256, or anew to its own one after
               NODE_CLONED. Another TPM has to come in by an open way, too.
audit          Prints who did which of these, one JSON object a line.

Exit codes: 0 done, 1 failed (one line on stderr begins with a code), 2 not a command.
`;
const DEFAULT_HOSTS = ["localhost", "127.0.0.1"];
const TOKEN_HOURS = { min: 1, usual: 24, max: 30 * 24 } as const;

type Command =
  | { readonly kind: "help" }
  | { readonly kind: "serve"; readonly config: string }
  | { readonly kind: "init"; readonly dir: string; readonly hosts: readonly string[] }
  | { readonly kind: "waiting" | "audit"; readonly config: string }
  | { readonly kind: "order"; readonly config: string; readonly order: Order };

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
  const { out, now, signal, onReload } = surroundings;
  switch (command.kind) {
    case "help":
      return out(HELP);
    case "init":
      await initAuthority(command.dir, { hosts: command.hosts, now: now() });
      return out(`${resolve(command.dir)}\n`);
    case "serve": {
      const file = resolve(command.config);
      const config = parseConfig(await readConfig(file), dirname(file));
      const reload = onReload === undefined ? {} : { onReload };
      return runRegistrar(config, { log: jsonLog(out, now), now, signal, ...reload });
    }
    default:
      return withStore(command.config, (store) => {
        for (const line of answerLines(command, store, surroundings)) out(`${line}\n`);
      });
  }
}

/** Whoever may write the database is the operator. */
async function withStore(config: string, use: (store: Store) => void): Promise<void> {
  const file = resolve(config);
  const { database } = parseConfig(await readConfig(file), dirname(file));
  const store = new Store(database);
  try {
    use(store);
  } finally {
    store.close();
  }
}

function answerLines(
  command: Extract<Command, { kind: "waiting" | "audit" | "order" }>,
  store: Store,
  { actor, now }: CommandLineSurroundings,
): readonly string[] {
  switch (command.kind) {
    case "waiting":
      return store.waiting().map(({ nodeId, ekHash }) => JSON.stringify({ node: nodeId, ekHash }));
    case "audit":
      return store
        .audit()
        .map((entry) => JSON.stringify({ ...entry, detail: JSON.parse(entry.detail) }));
    case "order": {
      const told = administrate({ store, actor, now, random: randomBytes }, command.order);
      return told === null ? [] : [told];
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
    const options = { config: { type: "string" } } as const;
    if (verb === "waiting" || verb === "audit") {
      const { config } = parseArgs({ args: rest, options }).values;
      return config ? { kind: verb, config } : null;
    }
    const { config, ...subjects } = parseArgs({
      args: rest,
      options: {
        ...options,
        "ek-hash": { type: "string" },
        node: { type: "string" },
        hours: { type: "string" },
      },
    }).values;
    const order = orderOf(verb, subjects["ek-hash"], subjects.node, subjects.hours);
    return config && order ? { kind: "order", config, order } : null;
  } catch (error) {
    // parseArgs throws TypeErrors of these codes for unknown options, missing values and positionals.
    if (!(error instanceof TypeError && "code" in error)) throw error;
  }
  return null;
}

/** Null when it is no order, or has not what it needs or more than that. */
function orderOf(
  action: string | undefined,
  ekHash: string | undefined,
  node: string | undefined,
  hours: string | undefined,
): Order | null {
  if (action === "token-create") {
    const wanted = hours === undefined ? TOKEN_HOURS.usual : Number(hours);
    const isGood =
      Number.isInteger(wanted) && wanted >= TOKEN_HOURS.min && wanted <= TOKEN_HOURS.max;
    return isGood && !ekHash && !node ? { action, hours: wanted } : null;
  }
  if (!ekHash || hours !== undefined) return null;
  if (action === "ek-add") return { action, ekHash, node: node ?? null };
  if (action === "ek-remove") return node === undefined ? { action, ekHash } : null;
  if (action === "node-approve" || action === "node-replace") {
    return node === undefined ? null : { action, ekHash, node };
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
