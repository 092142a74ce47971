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
  type NsOpenEvent,
} from "@nsattest/ns-ima";
import type { PolicySet } from "../policy/policy-set.ts";
import { limitsOf, NO_FINDINGS, withFindings } from "./findings.ts";
import { judgeHost } from "./judge-host.ts";
import type { Judgement, NamespaceFacts, NamespaceJudgement } from "./judgement.ts";
import { judgeExecution } from "./policy-rule.ts";
import { fileReason } from "./reason.ts";

const IMAGE_DIGEST = /(?:^|@)(sha256:[0-9a-f]{64})$/;

type NamespaceReading = Pick<
  JoinedNamespace,
  "labels" | "privileged" | "gap" | "executions" | "unstable"
>;

/** What is known of a namespace that was never opened, as the host's before its log begins. */
const UNSEEN: NamespaceReading = {
  labels: [],
  privileged: [],
  gap: "open",
  executions: [],
  unstable: [],
};

/**
 * Judges what is new in `joined`, once: executions by the policies in force now, entries when it is known who
 * answers for them. What was executed while there was no policy waits for the first one. The cost grows with what is
 * new and with the number of namespaces, not with what they did before.
 */
export function judge(past: Judgement, joined: JoinedEvidence, policies: PolicySet): Judgement {
  const after = joined.state;
  const added = byNamespace(joined.executions);
  const namespaces = new Map<NamespaceId, NamespaceJudgement>();
  for (const id of joinedNamespaces(after)) {
    if (id === HOST) continue;
    const known = past.namespaces.get(id);
    const facts = known && !joined.changed.has(id) ? known : factsOf(after, id);
    const policy = facts.image === null ? undefined : policies.images.get(facts.image)?.executions;
    const news = added.get(id) ?? [];
    const unjudged = policy && known?.judged === false ? readNamespace(after, id).executions : news;
    const reasons = policy ? unjudged.flatMap((item) => judgeExecution(policy, item, "exact")) : [];
    namespaces.set(id, {
      ...facts,
      judged: policy !== undefined || (known?.judged === true && news.length === 0),
      executed: known?.executed === true || news.length > 0,
      findings: withFindings(known?.findings ?? NO_FINDINGS, reasons, news.flatMap(limitsOf)),
    });
  }
  const { gap } = readNamespace(after, HOST);
  return {
    host: { ...judgeHost(past.host, joined, namespaces, policies.host), gap },
    namespaces,
  };
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

function factsOf(join: JoinState, id: NamespaceId): NamespaceFacts {
  const { labels, privileged, gap, unstable } = readNamespace(join, id);
  return {
    image: imageOf(labels),
    privileged: privileged.length > 0,
    gap,
    unstable: unstable.map((finding) => fileReason("DIGEST_UNSTABLE", finding, finding.reason)),
  };
}

function readNamespace(join: JoinState, id: NamespaceId): NamespaceReading {
  return joinedNamespace(join, id) ?? UNSEEN;
}

/** The digest in the `image` label: a claim of the runtime, which can only choose among the policies bound here. */
function imageOf(labels: NsOpenEvent["labels"]): string | null {
  const image = labels.find(([key]) => key === "image")?.[1] ?? "";
  return IMAGE_DIGEST.exec(image)?.[1] ?? null;
}
