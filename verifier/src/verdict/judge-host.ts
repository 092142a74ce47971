// SPDX-License-Identifier: Apache-2.0

import {
  type BytePath,
  HOST,
  type JoinedEntry,
  joinedEntry,
  joinedNamespace,
  type NamespaceId,
} from "@nsattest/ns-ima";
import { digestText } from "../policy/digest-text.ts";
import type { HostPolicy } from "../policy/policy-set.ts";
import { type Findings, limitsOf, withFindings } from "./findings.ts";
import {
  isCleared,
  isFirstAggregate,
  isKexecAggregate,
  isPinnedImaPolicy,
  judgeHostEntry,
  judgeHostFile,
  programOf,
} from "./host-rules.ts";
import { judgeWaiting, NOTHING_WAITS } from "./judge-waiting.ts";
import type { HostJudgement } from "./judgement.ts";
import type { News } from "./news.ts";
import { fileReason, type VerdictReason } from "./reason.ts";
import { violationFindings } from "./violations.ts";

/**
 * Judges what the host, and whoever may act as the host, did. Entries that nobody owns are the host's fault, policy or
 * not: an attacker's file could be among them.
 *
 * @param isPrivileged whether a namespace may act as the host
 */
export function judgeHost(
  past: HostJudgement,
  news: News,
  isPrivileged: (ns: NamespaceId) => boolean,
  policy: HostPolicy | null,
): HostJudgement {
  const { joined, attached, signaturesOf } = news;
  const isHost = (ns: NamespaceId): boolean => ns === HOST || isPrivileged(ns);
  const executions = joined.executions.filter(({ ns }) => isHost(ns));
  const judged = judgeWaiting({
    waiting: past.waiting,
    news: executions,
    marks: joined.state.marks,
    known: past.findings.reasons,
    ask: policy
      ? ({ execution }) => judgeHostFile(policy, execution, "exact", signaturesOf)
      : undefined,
  });
  const unowned = joined.entries.filter(({ owner }) => owner === "unowned").map(unownedReason);
  const entries = policy ? judgeEntries(past, news, isHost, policy) : null;
  return {
    // Before its log begins nothing of a host was seen.
    gap: joinedNamespace(joined.state, HOST)?.gap ?? "open",
    unmeasured: news.late.get(HOST) ?? past.unmeasured,
    violations: past.violations + (news.violations.get(HOST) ?? 0),
    findings: withFindings(past.findings, {
      reasons: [...unowned, ...(entries?.reasons ?? []), ...judged.reasons],
      warnings: entries?.warnings ?? [],
      limits: executions
        .filter(({ ns }) => ns === HOST)
        .flatMap(({ execution }) => limitsOf(execution)),
    }),
    waiting: judged.waiting,
    waitingEntries: entries ? NOTHING_WAITS : laterEntries(past.waitingEntries, joined.entries),
    aggregate: past.aggregate ?? aggregateOf(joined.entries),
    boot: past.boot,
    kexec: past.kexec || joined.entries.some((entry) => isKexecAggregate(entry, attached)),
    programs: withPrograms(past.programs, entries?.programs ?? []),
    imaPolicyProven: past.imaPolicyProven || entries?.imaPolicyProven === true,
  };
}

interface JudgedEntries extends Pick<Findings, "reasons" | "warnings"> {
  readonly programs: readonly BytePath[];
  readonly imaPolicyProven: boolean;
}

function judgeEntries(
  { waitingEntries }: HostJudgement,
  { joined, attached, signaturesOf }: News,
  isHost: (ns: NamespaceId) => boolean,
  policy: HostPolicy,
): JudgedEntries {
  const waited = waitingEntries.map((index) => joinedEntry(joined.state, index));
  const entries = [...waited.filter((entry) => entry !== undefined), ...joined.entries].filter(
    (entry) => isAnsweredBy(isHost, entry) && !isCleared(policy, entry.content),
  );
  const own = entries.filter(({ owner }) => owner === "host");
  const judgeEntry = (entry: JoinedEntry): Partial<Findings> => {
    if (entry.digest === null) return violationFindings(policy.violations, writtenReason(entry));
    if (isKexecAggregate(entry, attached)) return {};
    return { reasons: judgeHostEntry(policy, entry, signaturesOf) };
  };
  const found = entries.map(judgeEntry);
  return {
    reasons: found.flatMap(({ reasons = [] }) => reasons),
    warnings: found.flatMap(({ warnings = [] }) => warnings),
    programs: own.flatMap((entry) => programOf(policy, entry) ?? []),
    imaPolicyProven: own.some((entry) => isPinnedImaPolicy(policy, entry)),
  };
}

function aggregateOf(entries: readonly JoinedEntry[]): string | null {
  const { digest = null } = entries.find(isFirstAggregate) ?? {};
  return digest && digestText(digest);
}

/** True for an entry of the host, or of whoever may act as the host. */
function isAnsweredBy(isHost: (ns: NamespaceId) => boolean, { owner }: JoinedEntry): boolean {
  return typeof owner === "object" ? isHost(owner.ns) : owner === "host";
}

function withPrograms(known: readonly BytePath[], more: readonly BytePath[]): readonly BytePath[] {
  return more.every((program) => known.includes(program))
    ? known
    : [...new Set([...known, ...more])];
}

/** Indices of what waits: those that waited, and those that came or changed their owner now. */
function laterEntries(
  waiting: readonly number[],
  entries: readonly JoinedEntry[],
): readonly number[] {
  if (entries.length === 0) return waiting;
  return [...new Set([...waiting, ...entries.map(({ index }) => index)])];
}

function unownedReason(entry: JoinedEntry): VerdictReason {
  const detail = `nobody was seen to cause entry ${entry.index} of the list`;
  // The path of a violation is nobody's word.
  return entry.violation
    ? { code: "ENTRY_UNOWNED", detail }
    : fileReason("ENTRY_UNOWNED", entry, detail);
}

function writtenReason({ index }: JoinedEntry): VerdictReason {
  return { code: "VIOLATION", detail: `entry ${index}: a file was open for writing` };
}
