// SPDX-License-Identifier: Apache-2.0

import type { NodeReport, Tier } from "@nsattest/protocol";
import { EXIT } from "../error.ts";

/** Exit code for what the reports say: the worst verdict decides, and no report at all proves nothing. */
export function outcomeOf(reports: readonly NodeReport[]): number {
  const tiers = new Set<Tier>(
    reports.flatMap(({ node, namespaces }) => [
      node.host.tier,
      ...namespaces.map(({ verdict }) => verdict.tier),
    ]),
  );
  if (tiers.has("contraindicated")) return EXIT.contraindicated;
  const affirming = tiers.size === 1 && tiers.has("affirming");
  return affirming ? EXIT.ok : EXIT.unproven;
}
