// SPDX-License-Identifier: Apache-2.0

import { EventFlag, type Execution } from "@nsattest/ns-ima";
import type { LimitCode, VerdictReason } from "./reason.ts";
import { isStableFileSystem } from "./stable-file-system.ts";
import { unchanged } from "./unchanged.ts";

/** What was found against a host or namespace. It only grows: what was anchored stays. */
export interface Findings {
  /** Each makes the verdict `contraindicated`. */
  readonly reasons: readonly VerdictReason[];
  /** Each makes it a `warning`, at best. */
  readonly warnings: readonly VerdictReason[];
  readonly limits: readonly LimitCode[];
}

/**
 * Reasons kept for one host or namespace. The first ones, which decide; whoever wants to hide a further one behind them
 * still has it among the executions.
 */
export const REASONS_MAX = 200;

export const NO_FINDINGS: Findings = { reasons: [], warnings: [], limits: [] };

/** `findings` with more; each reason and limit counts once. The same object when there is nothing more. */
export function withFindings(findings: Findings, more: Partial<Findings>): Findings {
  return unchanged(findings, {
    reasons: withReasons(findings.reasons, more.reasons ?? []),
    warnings: withReasons(findings.warnings, more.warnings ?? []),
    limits: withLimits(findings.limits, more.limits ?? []),
  });
}

function withReasons(
  known: readonly VerdictReason[],
  more: readonly VerdictReason[],
): readonly VerdictReason[] {
  if (more.length === 0) return known;
  const all = new Map([...known, ...more].map((reason) => [keyOf(reason), reason]));
  return all.size === known.length ? known : [...all.values()].slice(0, REASONS_MAX);
}

function withLimits(known: readonly LimitCode[], more: readonly LimitCode[]): readonly LimitCode[] {
  return more.every((limit) => known.includes(limit)) ? known : [...new Set([...known, ...more])];
}

/** What an execution leaves open, whatever it executed. */
export function limitsOf({ how, flags, fsMagic }: Execution): readonly LimitCode[] {
  return [
    ...((flags & EventFlag.SCRIPT) !== 0 ? (["INTERPRETER"] as const) : []),
    ...(how === "anonymous" ? (["ANONYMOUS_EXEC"] as const) : []),
    ...(isStableFileSystem(fsMagic) ? [] : (["UNSTABLE_FS"] as const)),
    ...((flags & EventFlag.OTHERS_CODE) !== 0 ? (["OTHERS_CODE"] as const) : []),
  ];
}

function keyOf({ code, path, digest, detail }: VerdictReason): string {
  return JSON.stringify([code, path, digest, detail]);
}
