// SPDX-License-Identifier: Apache-2.0

import {
  HOST,
  type JoinedExecution,
  type JoinState,
  joinedNamespace,
  joinedNamespaces,
  type NamespaceId,
  type NsOpenEvent,
  type UnstableFinding,
} from "@nsattest/ns-ima";
import type { NamespacePolicy } from "../policy/namespace-policies.ts";
import type { PolicySet } from "../policy/policy-set.ts";
import { limitsOf, NO_FINDINGS, withFindings } from "./findings.ts";
import { judgeHost } from "./judge-host.ts";
import { judgeWaiting, NOTHING_WAITS } from "./judge-waiting.ts";
import type { Judgement, NamespaceFacts, NamespaceJudgement } from "./judgement.ts";
import type { News } from "./news.ts";
import { judgeFile } from "./policy-rule.ts";
import { fileReason, type ReasonCode, type VerdictReason } from "./reason.ts";
import { unchanged } from "./unchanged.ts";
import { judgeViolations } from "./violations.ts";

const IMAGE_DIGEST = /(?:^|@)(sha256:[0-9a-f]{64})$/;
const NO_REASONS: readonly VerdictReason[] = [];

/**
 * Judges what is new, once: executions by the policies in force now, entries when it is known who answers for them.
 * What was executed while there was no policy waits for the first one, what may be signed until its signature is known.
 * The cost grows with what is new, and what did not change stays the same object.
 */
export function judge(past: Judgement, news: News, policies: PolicySet): Judgement {
  const { state } = news.joined;
  const draft = past.namespaces.draft();
  const pending = new Set<NamespaceId>();
  for (const id of touchedBy(past, news, policies)) {
    const known = past.namespaces.get(id);
    const facts = known && !news.joined.changed.has(id) ? known : factsOf(state, id, known);
    const policy = facts.image === null ? undefined : policies.images.get(facts.image);
    const next = judgeNamespace(known, facts, id, news, policy);
    if (next !== known) draft.set(id, next);
    if (policy && next.waiting.length > 0) pending.add(id);
  }
  const namespaces = draft.seal();
  const isPrivileged = (id: NamespaceId): boolean => namespaces.get(id)?.privileged === true;
  return unchanged(past, {
    policy: policies.version,
    host: unchanged(past.host, judgeHost(past.host, news, isPrivileged, policies.host)),
    namespaces,
    pending: hasSame(past.pending, pending) ? past.pending : pending,
  });
}

/** Namespaces of which something else may be said than before. */
function touchedBy(
  past: Judgement,
  { joined: { state, changed } }: News,
  policies: PolicySet,
): ReadonlySet<NamespaceId> {
  const isSamePolicy = past.policy === policies.version;
  const touched = new Set(isSamePolicy ? [...past.pending, ...changed] : joinedNamespaces(state));
  touched.delete(HOST);
  return touched;
}

function judgeNamespace(
  known: NamespaceJudgement | undefined,
  facts: NamespaceFacts,
  id: NamespaceId,
  { joined, executions, violations, late, signaturesOf }: News,
  policy: NamespacePolicy | undefined,
): NamespaceJudgement {
  const executed = executions.get(id) ?? [];
  const violated = violations.get(id) ?? 0;
  const judged = judgeWaiting({
    waiting: known?.waiting ?? NOTHING_WAITS,
    news: executed,
    marks: joined.state.marks,
    known: known?.findings.reasons ?? NO_REASONS,
    ask:
      policy && (({ execution }) => judgeFile(policy.executions, execution, "exact", signaturesOf)),
  });
  const findings = withFindings(known?.findings ?? NO_FINDINGS, {
    reasons: judged.reasons,
    limits: executed.flatMap(({ execution }) => limitsOf(execution)),
  });
  return unchanged(known, {
    ...facts,
    unmeasured: late.get(id) ?? known?.unmeasured ?? false,
    violations: (known?.violations ?? 0) + violated,
    // Without a policy nobody has said that violations are nothing.
    findings: withFindings(findings, judgeViolations(violated, policy?.violations ?? "fail")),
    executed: known?.executed === true || executed.some(isExecution),
    waiting: judged.waiting,
  });
}

/** @param known what was known of it before: what is unstable only gets more */
function factsOf(
  join: JoinState,
  id: NamespaceId,
  known: NamespaceFacts | undefined,
): NamespaceFacts {
  const {
    labels = [],
    privileged = [],
    gap = "open",
    unstable = [],
  } = joinedNamespace(join, id) ?? {};
  const findings = unstable.filter(({ reason }) => reason !== "violation");
  const reasons = known?.unstable ?? NO_REASONS;
  return {
    image: imageOf(labels),
    privileged: privileged.length > 0,
    gap,
    unstable:
      findings.length === reasons.length
        ? reasons
        : findings.map((finding) =>
            fileReason(UNSTABLE_CODES[finding.reason], finding, finding.reason),
          ),
  };
}

function isExecution({ execution }: JoinedExecution): boolean {
  return execution.how !== "rewrite";
}

const UNSTABLE_CODES: { readonly [R in UnstableFinding["reason"]]: ReasonCode } = {
  "no-execution": "DIGEST_UNSTABLE",
  "zero-digest": "DIGEST_UNSTABLE",
  "no-digest": "DIGEST_UNSTABLE",
  violation: "DIGEST_UNSTABLE",
  writable: "CODE_WRITABLE",
  rewritten: "CODE_WRITABLE",
  escaped: "CGROUP_ESCAPE",
};

/** The digest in the `image` label: a claim of the runtime, which can only choose among the policies bound here. */
function imageOf(labels: NsOpenEvent["labels"]): string | null {
  const image = labels.find(([key]) => key === "image")?.[1] ?? "";
  return IMAGE_DIGEST.exec(image)?.[1] ?? null;
}

function hasSame<T>(one: ReadonlySet<T>, other: ReadonlySet<T>): boolean {
  return one.size === other.size && [...one].every((each) => other.has(each));
}
