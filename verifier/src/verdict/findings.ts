// SPDX-License-Identifier: Apache-2.0

import { EventFlag, type Execution } from "@nsattest/ns-ima";
import type { LimitCode, VerdictReason } from "./reason.ts";

/** What was found against a host or namespace. It only grows: what was anchored stays. */
export interface Findings {
  /** Each makes the verdict `contraindicated`. */
  readonly reasons: readonly VerdictReason[];
  readonly limits: ReadonlySet<LimitCode>;
}

/**
 * Reasons kept for one host or namespace. The first ones, which decide; whoever wants to hide a further one behind them
 * still has it among the executions.
 */
export const REASONS_MAX = 200;

export const NO_FINDINGS: Findings = { reasons: [], limits: new Set() };

/** `findings` with more; each reason and limit counts once. */
export function withFindings(
  findings: Findings,
  reasons: readonly VerdictReason[],
  limits: readonly LimitCode[] = [],
): Findings {
  if (reasons.length === 0 && limits.every((limit) => findings.limits.has(limit))) return findings;
  const all = new Map([...findings.reasons, ...reasons].map((reason) => [keyOf(reason), reason]));
  return {
    reasons: [...all.values()].slice(0, REASONS_MAX),
    limits: new Set([...findings.limits, ...limits]),
  };
}

/** What an execution leaves open, whatever it executed. */
export function limitsOf({ how, flags }: Execution): readonly LimitCode[] {
  return [
    ...((flags & EventFlag.SCRIPT) !== 0 ? (["INTERPRETER"] as const) : []),
    ...(how === "anonymous" ? (["ANONYMOUS_EXEC"] as const) : []),
  ];
}

function keyOf({ code, path, digest, detail }: VerdictReason): string {
  return JSON.stringify([code, path, digest, detail]);
}
