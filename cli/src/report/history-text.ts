// SPDX-License-Identifier: Apache-2.0

import type { CheckedRound, HistoryLimitCode, HistoryReport } from "@nsattest/verifier";
import { type CheckedSource, tiersOf } from "./history.ts";
import { printable } from "./printable.ts";
import { tableOf } from "./table.ts";
import { describeReason } from "./text.ts";

/** Rounds in which nothing changes are left out of a longer history. */
const ROUNDS_SHOWN = 12;
const VERSION_SHOWN = 12;

const LIMITS: Readonly<Record<HistoryLimitCode, string>> = {
  AK_UNPINNED:
    "the key is the bundle's own word: name the node's with --ak, as its registrar or verifier knows it",
  POLICY_UNPINNED:
    "the policies are the bundle's own word: name their versions with --policy, or judge by yours with --policies",
  FRESHNESS_UNPROVEN: "nonces and times cannot be checked afterwards; newer rounds may be missing",
};

/** What came of checking a history, as lines for a terminal. */
export function renderHistory({ source, report, refusal }: CheckedSource): string {
  const lines = report ? reportLines(report) : [];
  if (refusal) lines.push("  REFUSED", `    ${printable(describeReason(refusal))}`);
  return `${[printable(source), ...lines].join("\n")}\n`;
}

function reportLines(report: HistoryReport): string[] {
  const { node, ak, rounds, refusal, outcome, contradictions, limits } = report;
  return [
    `  node     ${node} (a name; what is proven is about the key)`,
    `  key      ${ak.digest}${ak.pinned ? "" : " (NOT pinned)"}`,
    ...(rounds.length === 0 ? [] : ["", ...roundLines(rounds), "", ...provenLines(rounds)]),
    ...(refusal
      ? [
          `  REFUSED  at round ${rounds.length + 1}: nothing is concluded from the rest`,
          `    ${printable(describeReason(refusal))}`,
        ]
      : []),
    ...(contradictions.length === 0
      ? []
      : [
          "  STORED VERDICTS DIFFER",
          ...contradictions.map((reason) => `    ${describeReason(reason)}`),
        ]),
    ...(outcome ? outcomeLines(outcome, rounds) : []),
    ...limits.map((limit) => `  ${limit}: ${LIMITS[limit]}`),
  ];
}

function roundLines(rounds: readonly CheckedRound[]): string[] {
  const shown = rounds
    .map((round, index) => ({ round, index }))
    .filter(({ round, index }) => {
      if (rounds.length <= ROUNDS_SHOWN || index === 0 || index === rounds.length - 1) return true;
      const before = rounds[index - 1];
      const isSame = before?.standing === round.standing && before.policy === round.policy;
      return !isSame || round.differences.length > 0;
    });
  const rows = shown.map(({ round, index }) => [
    String(index + 1),
    round.received,
    round.policy.slice(0, VERSION_SHOWN),
    String(round.entries),
    String(round.batches),
    round.standing.host.tier,
    countTiers(round),
    round.differences.length === 0 ? "same" : "OTHER",
  ]);
  const head = ["ROUND", "RECEIVED", "POLICY", "LIST", "LOG", "HOST", "NAMESPACES", "STORED"];
  const left = rounds.length - shown.length;
  const rest = left === 0 ? [] : [`and ${left} rounds in which no verdict changed`];
  return [...tableOf(head, rows), ...rest].map((line) => `  ${line}`);
}

function countTiers({ standing }: CheckedRound): string {
  const { host: _, ...tiers } = tiersOf(standing);
  const counts = new Map<string, number>();
  for (const tier of Object.values(tiers)) counts.set(tier, (counts.get(tier) ?? 0) + 1);
  return [...counts].map(([tier, count]) => `${count} ${tier}`).join(", ") || "-";
}

function provenLines(rounds: readonly CheckedRound[]): string[] {
  const last = rounds.at(-1);
  return [
    `  proven   boot ${last?.bootId}: all ${rounds.length} quotes are signed by the key; ${last?.entries} list entries and`,
    `           ${last?.batches} log batches lead to the quoted PCRs`,
  ];
}

function outcomeLines(
  { policy, standing }: NonNullable<HistoryReport["outcome"]>,
  rounds: readonly CheckedRound[],
): string[] {
  const verdicts = [["host", standing.host] as const, ...Object.entries(standing.namespaces)];
  return [
    `  verdicts after round ${rounds.length}, of ${rounds.at(-1)?.received}, by the policies ${policy.slice(0, VERSION_SHOWN)}`,
    ...verdicts.flatMap(([id, { tier, reasons, limits }]) => [
      `    ${id}  ${tier}${limits.length === 0 ? "" : `  (limits: ${limits.join(", ")})`}`,
      ...reasons.map((reason) => `      ${describeReason(reason)}`),
    ]),
  ];
}
