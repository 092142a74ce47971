// SPDX-License-Identifier: Apache-2.0

import { HOST } from "@nsattest/ns-ima";
import { currentVerdict, type Reason, type Verdict } from "@nsattest/protocol";
import type { Log } from "./log.ts";
import type { Standing } from "./verdict/standing.ts";

/** Writes one line for each verdict of `node` that says something else than it said until now. */
export function auditChanges(
  log: Log,
  node: string,
  before: Standing | null,
  after: Standing,
  now: Date,
): void {
  for (const [namespace, verdict] of [
    [HOST, after.host] as const,
    ...Object.entries(after.namespaces),
  ]) {
    const last = namespace === HOST ? before?.host : before?.namespaces[namespace];
    const known = last && currentVerdict(last, now);
    if (known && contentOf(known) === contentOf(verdict)) continue;
    log("verdict", {
      node,
      namespace,
      from: known?.tier ?? null,
      to: verdict.tier,
      reasons: verdict.reasons.map(reasonText),
      limits: verdict.limits,
    });
  }
}

function contentOf({ tier, reasons, limits }: Verdict): string {
  return JSON.stringify([tier, reasons, limits]);
}

function reasonText({ code, path, digest }: Reason): string {
  return [code, path, digest].filter((part) => part !== undefined).join(" ");
}
