// SPDX-License-Identifier: Apache-2.0

import type { Reason, Tier } from "@nsattest/protocol";
import type { CheckedRound, HistoryReport } from "@nsattest/verifier";
import { EXIT } from "../error.ts";
import { tierOutcome } from "./outcome.ts";

/** A file or database and what came of checking it: a report, or why it is not even read. */
export interface CheckedSource {
  readonly source: string;
  readonly report?: HistoryReport;
  readonly refusal?: Reason;
}

/** Exit code for all of them: the worst decides, and nothing checked proves nothing. */
export function historyOutcome(sources: readonly CheckedSource[]): number {
  const codes = sources.map(({ report }) => (report ? reportOutcome(report) : EXIT.unproven));
  return codes.length === 0 ? EXIT.unproven : Math.max(...codes);
}

/** A key or a policy that is the bundle's own word proves nothing, however affirming what follows from it. */
function reportOutcome({ outcome, contradictions, limits }: HistoryReport): number {
  if (contradictions.length > 0) return EXIT.contraindicated;
  if (!outcome) return EXIT.unproven;
  const code = tierOutcome(Object.values(tiersOf(outcome.standing)));
  const unpinned = limits.includes("AK_UNPINNED") || limits.includes("POLICY_UNPINNED");
  return unpinned ? Math.max(code, EXIT.unproven) : code;
}

/** What `--json` prints of one of them. */
export function historyJson({ source, report, refusal }: CheckedSource): object {
  if (!report) return { source, refusal };
  return { source, ...report, rounds: report.rounds.map(roundJson) };
}

function roundJson({ standing, ...round }: CheckedRound): object {
  return { ...round, verdicts: tiersOf(standing) };
}

/** The tier of `host` and of each namespace. */
export function tiersOf({
  host,
  namespaces,
}: CheckedRound["standing"]): Readonly<Record<string, Tier>> {
  const tiers = Object.entries(namespaces).map(([id, { tier }]) => [id, tier] as const);
  return Object.fromEntries([["host", host.tier], ...tiers]);
}
