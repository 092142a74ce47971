// SPDX-License-Identifier: Apache-2.0

import {
  type JoinedEvidence,
  type JoinedExecution,
  type NamespaceEvent,
  type NamespaceId,
  signaturesOf,
} from "@nsattest/ns-ima";
import type { SignaturesOf } from "./policy-rule.ts";

/** What one evidence brought, for those who judge it. */
export interface News {
  readonly joined: JoinedEvidence;
  /** Length of the host list when the programs were attached. */
  readonly attached: number;
  readonly executions: ReadonlyMap<NamespaceId, readonly JoinedExecution[]>;
  /** How many violations each namespace caused. */
  readonly violations: ReadonlyMap<NamespaceId, number>;
  /** Of each namespace with a gap or resync: whether the last of them is a late start. */
  readonly late: ReadonlyMap<NamespaceId, boolean>;
  readonly signaturesOf: SignaturesOf;
}

/** Sorts `events` and `joined`, which are of the same evidence, by who has to answer for what. */
export function newsOf(
  joined: JoinedEvidence,
  events: readonly NamespaceEvent[],
  attached: number,
): News {
  const violations = new Map<NamespaceId, number>();
  const late = new Map<NamespaceId, boolean>();
  for (const event of events) {
    const { kind, ns } = event;
    if (kind === "measured" && event.violation) {
      violations.set(ns, (violations.get(ns) ?? 0) + 1);
    } else if (kind === "gap") late.set(ns, event.reason === "late-start");
    else if (kind === "resync") late.set(ns, false);
  }
  return {
    joined,
    attached,
    executions: byNamespace(joined),
    violations,
    late,
    signaturesOf: (digest) => signaturesOf(joined.state, digest),
  };
}

function byNamespace({
  executions,
}: JoinedEvidence): ReadonlyMap<NamespaceId, readonly JoinedExecution[]> {
  const groups = new Map<NamespaceId, JoinedExecution[]>();
  for (const execution of executions) {
    const group = groups.get(execution.ns) ?? [];
    groups.set(execution.ns, group);
    group.push(execution);
  }
  return groups;
}
