// SPDX-License-Identifier: Apache-2.0

import { ACCESS_HELP, findAccess } from "./access.ts";
import { parseArguments, usageError } from "./arguments.ts";
import { EXIT } from "./error.ts";
import { outcomeOf } from "./report/outcome.ts";
import { renderReport } from "./report/text.ts";
import type { Surroundings } from "./surroundings.ts";
import { createVerifierClient } from "./verifier-client.ts";

export const STATUS_HELP: string = `nsattest status: what the verifier says of every node and its containers now

Usage: nsattest status [--node ID] [--access FILE] [--json]

  --node ID       this node only
${ACCESS_HELP}
  --json          one JSON object {"nodes":[...]} with a report of each node

Exit code: 0 everything affirming, 1 a failure, 2 wrong usage, 3 something is not proven, 4 something is contraindicated.
`;

const OPTIONS = {
  node: { type: "string" },
  access: { type: "string" },
  json: { type: "boolean", default: false },
  help: { type: "boolean", default: false },
} as const;

/** Runs `nsattest status`. @throws CliError */
export async function status(args: readonly string[], { out, env }: Surroundings): Promise<number> {
  const { values: options, positionals } = parseArguments("status", args, OPTIONS);
  if (options.help) {
    out(STATUS_HELP);
    return EXIT.ok;
  }
  if (positionals.length > 0) throw usageError("status", `what is ${positionals.join(" ")}`);
  const verifier = createVerifierClient(findAccess(options.access, env));
  const ids =
    options.node === undefined ? (await verifier.nodes()).map(({ id }) => id) : [options.node];
  const reports = await Promise.all(ids.map((id) => verifier.node(id)));
  if (options.json) out(`${JSON.stringify({ nodes: reports })}\n`);
  else if (reports.length === 0) out("no node has sent evidence yet\n");
  else out(reports.map(renderReport).join("\n"));
  return outcomeOf(reports);
}
