// SPDX-License-Identifier: Apache-2.0

import type { NodeReport, Tier } from "@nsattest/protocol";
import { EXIT } from "../error.ts";

/** Exit code for what the reports say: the worst verdict decides, and no report at all proves nothing. */
export function outcomeOf(reports: readonly NodeReport[]): number {
  return tierOutcome(
    reports.flatMap(({ node, namespaces }) => [
      node.host.tier,
      ...namespaces.map(({ verdict }) => verdict.tier),
    ]),
  );
}

/** The same for the tiers of some verdicts. */
export function tierOutcome(tiers: Iterable<Tier>): number {
  const all = new Set(tiers);
  if (all.has("contraindicated")) return EXIT.contraindicated;
  return all.size === 1 && all.has("affirming") ? EXIT.ok : EXIT.unproven;
}
