// SPDX-License-Identifier: Apache-2.0

import { HOST } from "@nsattest/ns-ima";
import type { Reason } from "@nsattest/protocol";
import type { Log } from "./log.ts";
import type { Reading } from "./verdict/condition.ts";
import type { Decision } from "./verdict/decision.ts";
import type { Standing } from "./verdict/standing.ts";

/** Writes one line for each verdict of `node` that says something else than it said until now. */
export function auditChanges(log: Log, node: string, before: Reading, after: Standing): void {
  for (const [namespace, decision] of [
    [HOST, after.host] as const,
    ...Object.entries(after.namespaces),
  ]) {
    const last = namespace === HOST ? before.host : before.namespaces[namespace];
    const known = before.accepted === null ? undefined : last;
    if (known && contentOf(known) === contentOf(decision)) continue;
    log("verdict", {
      node,
      namespace,
      from: known?.tier ?? null,
      to: decision.tier,
      reasons: decision.reasons.map(reasonText),
      limits: decision.limits,
    });
  }
}

function contentOf({ tier, reasons, limits }: Decision): string {
  return JSON.stringify([tier, reasons, limits]);
}

function reasonText({ code, path, digest }: Reason): string {
  return [code, path, digest].filter((part) => part !== undefined).join(" ");
}
