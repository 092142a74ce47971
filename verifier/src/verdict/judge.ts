// SPDX-License-Identifier: Apache-2.0

import {
  type Execution,
  HOST,
  type JoinedEvidence,
  type JoinedNamespace,
  type JoinState,
  joinedNamespace,
  joinedNamespaces,
  type NamespaceId,
} from "@nsattest/ns-ima";
import type { PolicySet } from "../policy/policy-set.ts";
import { limitsOf, NO_FINDINGS, withFindings } from "./findings.ts";
import { judgeHost } from "./judge-host.ts";
import type { Judgement, NamespaceJudgement } from "./judgement.ts";
import { judgeExecution } from "./policy-rule.ts";
import { fileReason } from "./reason.ts";

const IMAGE_DIGEST = /(?:^|@)(sha256:[0-9a-f]{64})$/;

/**
 * Judges what is new since `before`, once: executions by the policies in force now, entries when it is known who
 * answers for them. What was executed while there was no policy waits for the first one.
 */
export function judge(
  past: Judgement,
  before: JoinState,
  joined: JoinedEvidence,
  policies: PolicySet,
): Judgement {
  const after = joined.state;
  const added = byNamespace(joined.executions);
  const namespaces = new Map(past.namespaces);
  for (const id of joinedNamespaces(after)) {
    const known = namespaces.get(id);
    const namespace =
      id !== HOST && (known?.judged !== true || hasChanged(before, after, id))
        ? joinedNamespace(after, id)
        : undefined;
    if (!namespace) continue;
    namespaces.set(id, judgeNamespace(known, namespace, added.get(id) ?? [], policies));
  }
  return { host: judgeHost(past.host, joined, namespaces, policies.host), namespaces };
}

function byNamespace(
  executions: JoinedEvidence["executions"],
): ReadonlyMap<NamespaceId, readonly Execution[]> {
  const groups = new Map<NamespaceId, Execution[]>();
  for (const { ns, execution } of executions) {
    const group = groups.get(ns) ?? [];
    groups.set(ns, group);
    group.push(execution);
  }
  return groups;
}

/** The join keeps what has not changed; a gap of the host's is everybody's. */
function hasChanged(before: JoinState, after: JoinState, id: NamespaceId): boolean {
  return (
    before.namespaces.get(id) !== after.namespaces.get(id) || before.hostGapAt !== after.hostGapAt
  );
}

function judgeNamespace(
  known: NamespaceJudgement | undefined,
  namespace: JoinedNamespace,
  added: readonly Execution[],
  policies: PolicySet,
): NamespaceJudgement {
  const { executions, gap, privileged, unstable } = namespace;
  const image = imageOf(namespace);
  const policy = image === null ? undefined : policies.images.get(image);
  const unjudged = known?.judged ? added : executions;
  const reasons = policy ? unjudged.flatMap((item) => judgeExecution(policy, item, "exact")) : [];
  return {
    judged: policy !== undefined,
    findings: withFindings(known?.findings ?? NO_FINDINGS, reasons, added.flatMap(limitsOf)),
    image,
    privileged: privileged.length > 0,
    executed: executions.length > 0,
    gap,
    unstable: unstable.map((finding) => fileReason("DIGEST_UNSTABLE", finding, finding.reason)),
  };
}

/** The digest in the `image` label: a claim of the runtime, which can only choose among the policies bound here. */
function imageOf({ labels }: JoinedNamespace): string | null {
  const image = labels.find(([key]) => key === "image")?.[1] ?? "";
  return IMAGE_DIGEST.exec(image)?.[1] ?? null;
}
