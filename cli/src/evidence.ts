// SPDX-License-Identifier: Apache-2.0

import { writeFileSync } from "node:fs";
import { decodeBundle } from "@nsattest/protocol";
import { ACCESS_HELP, findAccess } from "./access.ts";
import { parseArguments, usageError } from "./arguments.ts";
import { CliError, EXIT } from "./error.ts";
import type { Surroundings } from "./surroundings.ts";
import { createVerifierClient } from "./verifier-client.ts";

export const EVIDENCE_HELP: string = `nsattest evidence: everything the verifier has stored of a node's present boot, in one file

Usage: nsattest evidence NODE [--output FILE] [--access FILE]

The file has the node's attestation key, each evidence that was accepted, the policies it was judged by and the verdicts it
led to. nsattest verify checks it, anywhere and at any time. It names what ran on the node: keep it as you keep logs.

  --output FILE   write there, readable by you alone, and not to standard output
${ACCESS_HELP}

Exit code: 0 written, 1 a failure, 2 wrong usage.
`;

const OPTIONS = {
  output: { type: "string" },
  access: { type: "string" },
  help: { type: "boolean", default: false },
} as const;

/** Runs `nsattest evidence`. @throws CliError */
export async function evidence(
  args: readonly string[],
  { out, outBytes, err, env }: Surroundings,
): Promise<number> {
  const { values: options, positionals } = parseArguments("evidence", args, OPTIONS);
  if (options.help) {
    out(EVIDENCE_HELP);
    return EXIT.ok;
  }
  const [node, ...more] = positionals;
  if (node === undefined || more.length > 0) throw usageError("evidence", "name one node");
  if (options.output === undefined && outBytes === null) {
    throw new CliError("TERMINAL", "a bundle is no text: use --output FILE, or a pipe");
  }
  const bundle = await createVerifierClient(findAccess(options.access, env)).bundle(node);
  const { rounds } = checked(bundle, node);
  if (options.output === undefined) outBytes?.(bundle);
  else {
    write(options.output, bundle);
    err(`${options.output}: ${rounds.length} rounds, ${bundle.length} bytes\n`);
  }
  return EXIT.ok;
}

/** Nothing is written that cannot be read again, or that is of another node. */
function checked(bundle: Uint8Array, node: string): ReturnType<typeof decodeBundle> {
  try {
    const decoded = decodeBundle(bundle);
    if (decoded.node === node) return decoded;
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new CliError("VERIFIER_ANSWER", `not a bundle: ${why}`, { cause });
  }
  throw new CliError("VERIFIER_ANSWER", "a bundle of another node");
}

function write(path: string, bundle: Uint8Array): void {
  try {
    writeFileSync(path, bundle, { mode: 0o600 });
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new CliError("FILE", `cannot write ${path}: ${why}`, { cause });
  }
}
