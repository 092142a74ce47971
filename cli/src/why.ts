// SPDX-License-Identifier: Apache-2.0

import { ACCESS_HELP, findAccess } from "./access.ts";
import { parseArguments, usageError } from "./arguments.ts";
import { EXIT } from "./error.ts";
import { chooseNamespace } from "./namespace-choice.ts";
import { tierOutcome } from "./report/outcome.ts";
import { renderExplanation } from "./report/why-text.ts";
import type { Surroundings } from "./surroundings.ts";
import { createVerifierClient } from "./verifier-client.ts";

export const WHY_HELP: string = `nsattest why: why a container, or the host, stands as it does, and what to do about it

Usage: nsattest why NAMESPACE [--node ID] [--access FILE] [--json]

NAMESPACE is host, a namespace's id as nsattest status shows it, or a container's name or id (its beginning is enough). For
each reason of the verdict: what was seen and when, what the policy lists, where the same content is listed otherwise, who
else ran it, and what to do next.

  --node ID       the node it is on; quicker where there are many
${ACCESS_HELP}
  --json          the explanation as one JSON object

Exit code: 0 it is affirming, 1 a failure, 2 wrong usage, 3 it is not proven, 4 it is contraindicated.
`;

const OPTIONS = {
  node: { type: "string" },
  access: { type: "string" },
  json: { type: "boolean", default: false },
  help: { type: "boolean", default: false },
} as const;

/** Runs `nsattest why`. @throws CliError */
export async function why(args: readonly string[], { out, env }: Surroundings): Promise<number> {
  const { values: options, positionals } = parseArguments("why", args, OPTIONS);
  if (options.help) {
    out(WHY_HELP);
    return EXIT.ok;
  }
  const [name, ...more] = positionals;
  if (name === undefined || more.length > 0) throw usageError("why", "name one namespace");
  const verifier = createVerifierClient(findAccess(options.access, env));
  const nodes =
    options.node === undefined ? (await verifier.nodes()).map(({ id }) => id) : [options.node];
  const reports = await Promise.all(nodes.map((id) => verifier.node(id)));
  const { node, id } = chooseNamespace(name, reports);
  const explanation = await verifier.explanation(node, id);
  out(options.json ? `${JSON.stringify(explanation)}\n` : renderExplanation(explanation));
  return tierOutcome([explanation.verdict.tier]);
}
