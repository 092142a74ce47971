// SPDX-License-Identifier: Apache-2.0

import { setTimeout } from "node:timers/promises";
import type { NodeReport } from "@nsattest/protocol";
import { CliError } from "../error.ts";
import type { VerifierClient } from "../verifier-client.ts";

const POLL_MS = 250;
const DEADLINE_MS = 90_000;

/** Id of the only node, once it is there. @throws CliError `DEMO_INCOMPLETE`, `VERIFIER_*` */
export async function firstNode(verifier: VerifierClient, signal: AbortSignal): Promise<string> {
  return until("no node has enrolled", signal, async () => (await verifier.nodes())[0]?.id ?? null);
}

/**
 * The node's report after two more rounds of evidence, and with nothing pending: evidence that was being made while the last container
 * was at work is the first of them, so the second covers all of it.
 *
 * @throws CliError `DEMO_INCOMPLETE`, `VERIFIER_*`
 */
export async function settledReport(
  verifier: VerifierClient,
  id: string,
  signal: AbortSignal,
): Promise<NodeReport> {
  const rounds = new Set([(await verifier.node(id)).node.host.validUntil]);
  return until("the verdicts did not settle", signal, async () => {
    const report = await verifier.node(id);
    rounds.add(report.node.host.validUntil);
    return rounds.size > 2 && report.hostList.pending === 0 ? report : null;
  });
}

async function until<T>(
  failure: string,
  signal: AbortSignal,
  look: () => Promise<T | null>,
): Promise<T> {
  const deadline = AbortSignal.timeout(DEADLINE_MS);
  for (;;) {
    const found = await look();
    if (found !== null) return found;
    if (deadline.aborted)
      throw new CliError("DEMO_INCOMPLETE", `${failure} within ${DEADLINE_MS / 1000} s`);
    await setTimeout(POLL_MS, undefined, { signal });
  }
}
