// SPDX-License-Identifier: Apache-2.0

import {
  HOST,
  type JoinedEntry,
  type JoinedEvidence,
  type JoinedExecution,
  type JoinState,
  joinedEntry,
  joinedNamespace,
  type NamespaceId,
} from "@nsattest/ns-ima";
import type { HostPolicy } from "../policy/policy-set.ts";
import { limitsOf, withFindings } from "./findings.ts";
import { isPinnedImaPolicy, judgeHostEntry, judgeHostExecution, programOf } from "./host-rules.ts";
import type { HostJudgement, NamespaceJudgement } from "./judgement.ts";
import { fileReason, type VerdictReason } from "./reason.ts";

type Namespaces = ReadonlyMap<NamespaceId, NamespaceJudgement>;

/**
 * Judges what the host, and whoever may act as the host, did. Entries that nobody owns are the host's fault, policy or
 * not: an attacker's file could be among them.
 */
export function judgeHost(
  past: HostJudgement,
  joined: JoinedEvidence,
  namespaces: Namespaces,
  policy: HostPolicy | null,
): HostJudgement {
  const limits = joined.executions
    .filter(({ ns }) => ns === HOST)
    .flatMap(({ execution }) => limitsOf(execution));
  const unowned = joined.entries.filter(({ owner }) => owner === "unowned").map(unownedReason);
  const findings = withFindings(past.findings, unowned, limits);
  if (policy === null) {
    const nothingNew = joined.entries.length === 0 && joined.executions.length === 0;
    return { ...past, judged: past.judged && nothingNew, findings };
  }

  const isHost = (ns: NamespaceId): boolean =>
    ns === HOST || namespaces.get(ns)?.privileged === true;
  const { entries, executions }: Unjudged = past.judged
    ? joined
    : everything(joined.state, namespaces);
  const own = entries.filter(({ owner }) => owner === "host");
  const asHost = entries.filter(({ owner }) => typeof owner === "object" && isHost(owner.ns));
  return {
    ...past,
    judged: true,
    findings: withFindings(findings, [
      ...[...own, ...asHost].flatMap((entry) => judgeHostEntry(policy, entry)),
      ...executions
        .filter(({ ns }) => isHost(ns))
        .flatMap(({ execution }) => judgeHostExecution(policy, execution)),
    ]),
    programs: new Set([
      ...past.programs,
      ...own.flatMap((entry) => programOf(policy, entry) ?? []),
    ]),
    imaPolicyProven: past.imaPolicyProven || own.some((entry) => isPinnedImaPolicy(policy, entry)),
  };
}

interface Unjudged {
  readonly entries: readonly JoinedEntry[];
  readonly executions: readonly Pick<JoinedExecution, "ns" | "execution">[];
}

function everything(state: JoinState, namespaces: Namespaces): Unjudged {
  const entries = Array.from({ length: state.entries }, (_, index) => joinedEntry(state, index));
  const all = [HOST, ...namespaces.keys()].map((id) => joinedNamespace(state, id));
  return {
    entries: entries.filter((entry) => entry !== undefined),
    executions: all
      .filter((namespace) => namespace !== undefined)
      .flatMap(({ id, executions }) => executions.map((execution) => ({ ns: id, execution }))),
  };
}

function unownedReason(entry: JoinedEntry): VerdictReason {
  const detail = `nobody was seen to cause entry ${entry.index} of the list`;
  // The path of a violation is nobody's word.
  return entry.violation
    ? { code: "ENTRY_UNOWNED", detail }
    : fileReason("ENTRY_UNOWNED", entry, detail);
}
