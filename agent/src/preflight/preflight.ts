// SPDX-License-Identifier: Apache-2.0

import { CHECKS, type Finding, type FindingState } from "./finding.ts";
import type { Host } from "./host.ts";
import { checkKernel } from "./kernel-checks.ts";
import { checkRuntimes } from "./runtime-checks.ts";
import { askTpm, checkTpm, type OpenTpm } from "./tpm-checks.ts";

/**
 * - `ready`: everything that a verdict can say about a node, it can say about this one
 * - `limited`: it can be attested, with the limits that are named
 * - `not-ready`: no verdict of it could be anything but `none`
 */
export type Readiness = "ready" | "limited" | "not-ready";

/** What this host can prove, and what is missing. */
export interface PreflightReport {
  readonly readiness: Readiness;
  /** Limits that its verdicts would carry because of the host. */
  readonly limits: readonly string[];
  /** In the order of {@link CHECKS}; what does not apply is absent. */
  readonly findings: readonly Finding[];
}

/** Looks at a host. Changes nothing; what cannot be seen counts as a limitation, never as good. */
export async function inspectHost(
  host: Host,
  openTpm: OpenTpm,
  now: () => number,
): Promise<PreflightReport> {
  const tpm = checkTpm(host);
  const isThere = tpm.some(({ check, state }) => check === "tpm" && state === "ok");
  const answers = isThere ? await askTpm(openTpm, now) : [];
  const findings = [...checkKernel(host), ...tpm, ...answers, checkRuntimes(host)];
  const order = (finding: Finding): number => CHECKS.indexOf(finding.check);
  return {
    readiness: readinessOf(new Set(findings.map(({ state }) => state))),
    limits: findings.flatMap(({ limit }) => limit ?? []),
    findings: findings.toSorted((a, b) => order(a) - order(b)),
  };
}

function readinessOf(states: ReadonlySet<FindingState>): Readiness {
  if (states.has("missing")) return "not-ready";
  return states.has("limited") || states.has("unknown") ? "limited" : "ready";
}
