// SPDX-License-Identifier: Apache-2.0

import { parseArgs } from "node:util";
import { DEFAULT_ACCESS_FILE, readAccess } from "./access.ts";
import { CliError, EXIT } from "./error.ts";
import { outcomeOf } from "./report/outcome.ts";
import { renderReport } from "./report/text.ts";
import type { Surroundings } from "./surroundings.ts";
import { createVerifierClient } from "./verifier-client.ts";

export const STATUS_HELP: string = `nsattest status: what the verifier says of every node and its containers now

Usage: nsattest status [--node ID] [--access FILE] [--json]

  --node ID       this node only
  --access FILE   how to reach the verifier: JSON with url, caFile, certificateFile, keyFile
                  (default: NSATTEST_ACCESS, else ${DEFAULT_ACCESS_FILE})
  --json          one JSON object {"nodes":[...]} with a report of each node

Exit code: 0 everything affirming, 1 a failure, 2 wrong usage, 3 something is not proven, 4 something is contraindicated.
`;

/** Runs `nsattest status`. @throws CliError */
export async function status(args: readonly string[], { out, env }: Surroundings): Promise<number> {
  const options = parse(args);
  if (options.help) {
    out(STATUS_HELP);
    return EXIT.ok;
  }
  const access = readAccess(options.access ?? env["NSATTEST_ACCESS"] ?? DEFAULT_ACCESS_FILE);
  const verifier = createVerifierClient(access);
  const ids =
    options.node === undefined ? (await verifier.nodes()).map(({ id }) => id) : [options.node];
  const reports = await Promise.all(ids.map((id) => verifier.node(id)));
  if (options.json) out(`${JSON.stringify({ nodes: reports })}\n`);
  else if (reports.length === 0) out("no node has sent evidence yet\n");
  else out(reports.map(renderReport).join("\n"));
  return outcomeOf(reports);
}

function parse(args: readonly string[]): {
  node?: string;
  access?: string;
  json: boolean;
  help: boolean;
} {
  try {
    return parseArgs({
      args: [...args],
      options: {
        node: { type: "string" },
        access: { type: "string" },
        json: { type: "boolean", default: false },
        help: { type: "boolean", default: false },
      },
    }).values;
  } catch (cause) {
    throw new CliError(
      "USAGE",
      `${cause instanceof Error ? cause.message : String(cause)}; see nsattest status --help`,
      { cause },
    );
  }
}
