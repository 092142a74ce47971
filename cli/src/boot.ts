// SPDX-License-Identifier: Apache-2.0

import { readFileSync } from "node:fs";
import {
  type EventLog,
  EventType,
  eventText,
  eventTypeName,
  type HashName,
  digest as hash,
  isHashName,
  parseEventLog,
  replayEventLog,
} from "@nsattest/tpm";
import { parseArguments, usageError } from "./arguments.ts";
import { CliError, EXIT } from "./error.ts";
import type { Surroundings } from "./surroundings.ts";

export const BOOT_HELP: string = `nsattest boot: what a node is to have booted

Usage: nsattest boot reference LOG [--command-line TEXT] [--name NAME] [--node ID]... [--bank BANK]

Makes a boot-policy.json of the log of a boot that you believe is good: a copy of the node's
/sys/kernel/security/tpm0/binary_bios_measurements. Nothing proves that log: look at what it has, or take it from a machine
that you have just installed. Add the digests of further kernels to the file, and give it to the verifier.

  --command-line TEXT   the kernel's command line, as /proc/cmdline has it: it has to be the one in the log, and then the IMA
                        policy can be proven, too
  --name NAME           of the reference (default: reference)
  --node ID             a node that it is for, perhaps several (default: all that no other reference names)
  --bank BANK           the bank that the verifier pins (default: sha256)

Exit code: 0 written to standard output, 1 a failure, 2 wrong usage.
`;

const OPTIONS = {
  "command-line": { type: "string" },
  name: { type: "string", default: "reference" },
  node: { type: "string", multiple: true },
  bank: { type: "string", default: "sha256" },
  help: { type: "boolean", default: false },
} as const;

/** Runs `nsattest boot`. @throws CliError `USAGE`, `FILE`; TpmError for what is no boot log */
export async function boot(args: readonly string[], { out }: Surroundings): Promise<number> {
  const { values: options, positionals } = parseArguments("boot", args, OPTIONS);
  if (options.help) {
    out(BOOT_HELP);
    return EXIT.ok;
  }
  const [what, path, ...more] = positionals;
  if (what !== "reference" || path === undefined || more.length > 0) {
    throw usageError("boot", "name one log: nsattest boot reference LOG");
  }
  const { bank, name, node: nodes } = options;
  if (!isHashName(bank)) throw usageError("boot", `there is no bank ${bank}`);
  const log = parseEventLog(read(path));
  // Throws for a log without that bank.
  replayEventLog(log, bank);
  const events = eventsOf(log, bank, options["command-line"]);
  const reference = { name, ...(nodes && { nodes }), events };
  out(`${JSON.stringify({ references: [reference] }, null, 2)}\n`);
  return EXIT.ok;
}

function eventsOf(log: EventLog, bank: HashName, line: string | undefined): readonly object[] {
  const expected = line === undefined ? "" : commandLineDigest(bank, line);
  let isFound = false;
  const events = new Map<string, object>();
  for (const event of log.events) {
    const { pcr, type, data } = event;
    const digest = digestText(bank, event.digests.get(bank));
    const isLine = type === EventType.EVENT_TAG && digest === expected;
    isFound ||= isLine;
    const what = eventText(data);
    const named = { pcr, type: eventTypeName(type), ...(what !== "" && { what }) };
    events.set(
      JSON.stringify([pcr, type, digest]),
      isLine ? { ...named, commandLines: [line] } : { ...named, digests: [digest] },
    );
  }
  if (line !== undefined && !isFound) {
    throw new CliError("FILE", "the log does not have this command line");
  }
  return [...events.values()];
}

/** As the kernel's EFI stub measures it. */
function commandLineDigest(bank: HashName, line: string): string {
  return digestText(bank, hash(bank, Buffer.from(`${line}\0`, "utf16le")));
}

function digestText(bank: HashName, value: Uint8Array = new Uint8Array()): string {
  return `${bank}:${Buffer.from(value).toString("hex")}`;
}

function read(path: string): Uint8Array {
  try {
    return new Uint8Array(readFileSync(path));
  } catch (cause) {
    throw new CliError("FILE", `cannot read ${path}: ${String(cause)}`, { cause });
  }
}
