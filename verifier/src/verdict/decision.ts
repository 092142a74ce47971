// SPDX-License-Identifier: Apache-2.0

import type { LayeredMap, NamespaceId } from "@nsattest/ns-ima";
import type { Reason, Tier, Verdict } from "@nsattest/protocol";
import type { LimitCode, VerdictReason } from "./reason.ts";

/** The reasons of a verdict by the tier each leads to. */
export type Grounds = Readonly<Record<Exclude<Tier, "affirming">, readonly VerdictReason[]>>;

/** A verdict without its end: who decides does not know the time. */
export type Decision = Omit<Verdict, "validUntil">;

/** What was decided from evidence that was accepted. */
export interface Decisions {
  readonly host: Decision;
  readonly namespaces: LayeredMap<NamespaceId, Decision>;
}

/**
 * The tier that `grounds` lead to, and every reason, worst first. What is known to be wrong outweighs what is not known;
 * no ground at all is `affirming`, so whoever decides must have asked for everything.
 */
export function decisionOf(grounds: Grounds, limits: Iterable<LimitCode>): Decision {
  const order = ["contraindicated", "none", "warning"] as const;
  return {
    tier: order.find((tier) => grounds[tier].length > 0) ?? "affirming",
    reasons: order.flatMap((tier) => grounds[tier]),
    limits: [...new Set(limits)].sort(),
  };
}

/** `none`, for one reason. */
export function nothingKnown(reason: Reason): Decision {
  return { tier: "none", reasons: [reason], limits: [] };
}

/** The codes of a decision, for the detail of another one. */
export function codesOf({ reasons }: Decision): string {
  return [...new Set(reasons.map(({ code }) => code))].join(", ");
}
