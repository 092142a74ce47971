// SPDX-License-Identifier: Apache-2.0

import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { preflight } from "@nsattest/agent";
import { boot } from "./boot.ts";
import { demo } from "./demo/demo.ts";
import { CliError, EXIT } from "./error.ts";
import { evidence } from "./evidence.ts";
import { status } from "./status.ts";
import type { Surroundings } from "./surroundings.ts";
import { verify } from "./verify.ts";
import { why } from "./why.ts";

const HELP = `nsattest: every container its own measurement list, allowlist and verdict, proven by the host's TPM

Usage: nsattest COMMAND [options]

  preflight  what this host can prove, and what is missing
  demo       a node in a virtual machine and five containers on it
  status     what the verifier says of every node and its containers
  why        why one container, or the host, stands as it does, and what to do
  evidence   everything the verifier has stored of a node, in one file
  verify     check such files again, without a verifier
  boot       what a node is to have booted, from the log of a good boot

nsattest COMMAND --help says more.
`;

/** Folder of the project: this file is bundled to dist/bin/nsattest.mjs. */
const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

async function run(args: readonly string[], surroundings: Surroundings): Promise<number> {
  const [command, ...rest] = args;
  switch (command) {
    case "preflight":
      return preflight(rest, surroundings);
    case "demo":
      return demo(rest, surroundings, ROOT);
    case "status":
      return status(rest, surroundings);
    case "why":
      return why(rest, surroundings);
    case "evidence":
      return evidence(rest, surroundings);
    case "boot":
      return boot(rest, surroundings);
    case "verify":
      return verify(rest, surroundings);
    case "--help":
    case "help":
      surroundings.out(HELP);
      return EXIT.ok;
    case undefined:
      surroundings.err(HELP);
      return EXIT.usage;
    default:
      throw new CliError("USAGE", `there is no command ${command}; see nsattest --help`);
  }
}

async function main(): Promise<number> {
  const end = new AbortController();
  // A second Ctrl-C does not wait for the end of what the first one began.
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.on(signal, () => (end.signal.aborted ? process.exit(130) : end.abort()));
  }
  try {
    return await run(process.argv.slice(2), {
      out: (text) => process.stdout.write(text),
      outBytes: process.stdout.isTTY ? null : (bytes) => process.stdout.write(bytes),
      err: (text) => process.stderr.write(text),
      env: process.env,
      signal: end.signal,
    });
  } catch (error) {
    if (end.signal.aborted) return 130;
    const code = error instanceof Error && "code" in error ? `${String(error.code)}: ` : "";
    process.stderr.write(
      `nsattest: ${code}${error instanceof Error ? error.message : String(error)}\n`,
    );
    return error instanceof CliError && error.code === "USAGE" ? EXIT.usage : EXIT.failed;
  }
}

process.exitCode = await main();
