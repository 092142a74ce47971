// SPDX-License-Identifier: Apache-2.0

import { NsImaError } from "../error.ts";
import {
  type BootEvent,
  type ExecEvent,
  type FileDigest,
  type GapEvent,
  type GapReason,
  HOST,
  type MarkEvent,
  type MeasuredEvent,
  type NamespaceEvent,
  type NamespaceId,
} from "../log/event.ts";
import { chainItems } from "./chain.ts";
import { actorOf, actorsOf, isOnHost } from "./claim.ts";
import type { JoinEntry, JoinedEntry } from "./entry-owner.ts";
import { JoinDraft } from "./join-draft.ts";
import type { EntryFacts, JoinState, SettledOwner } from "./join-state.ts";
import { joinedEntry } from "./joined-entry.ts";
import { bytesKey, digestKey, type Execution } from "./namespace-facts.ts";

/** True when the host's policy names a file with this digest as a container runtime. */
export type RuntimeTest = (digest: FileDigest) => boolean;

export interface JoinedEvidence {
  readonly state: JoinState;
  /** Entries that are new or whose owner has changed, by index. */
  readonly entries: readonly JoinedEntry[];
  /** Executions that are new, in the order of the log. */
  readonly executions: readonly { readonly ns: NamespaceId; readonly execution: Execution }[];
}

/** What may have swallowed the event that says who caused an entry. */
const LOSES_CLAIMS: ReadonlySet<GapReason> = new Set([
  "recursion-miss",
  "ring-overflow",
  "unreadable-event",
]);

/**
 * Joins the next part of the host list and of the namespace log: who answers for which entry, and what each namespace
 * executed (design rules 2 and 3).
 *
 * - An entry below the list's length at attach is the host's.
 * - The first mark above an entry settles it: it is the host's if the host has claimed its template digest, else the
 *   first claiming container's, else `unowned`. Later claims relieve nobody: one of the host's makes an entry of a
 *   container the host's, no claim changes `unowned`.
 * - Violations carry no digest and are joined by number: each announced one owns one.
 * - Where claims were lost since the mark before, an entry without claim is a container's that executed its content
 *   before the mark, else the host's if it did, else `gap`.
 * - A task in a container's cgroup that stands in the host's mount and pid namespace and runs a file that `isRuntime`
 *   knows acts as the host.
 * - Every container that claims an entry must have executed its content before the mark that follows, unless something
 *   of it was missed since the mark before.
 *
 * Entries must be matched by the replay of the quoted PCR 10, events by that of the anchor PCR in the same quote;
 * neither is checked here, nor is any policy asked. Paths are not compared at all: containers choose them. The cost
 * grows with what is new, not with `state`, and `state` is not changed, also when this throws.
 *
 * @param isRuntime asked once for each entry and execution, when it comes
 * @throws NsImaError `MARK_BEYOND_LIST`, `MARK_DECREASES`; `LOG_NAMESPACE_UNKNOWN`, `LOG_NAMESPACE_REOPENED` for events
 *   that `replayLog` would have refused
 */
export function joinEvidence(
  state: JoinState,
  entries: readonly JoinEntry[],
  events: readonly NamespaceEvent[],
  isRuntime: RuntimeTest,
): JoinedEvidence {
  const draft = new JoinDraft(state);
  for (const entry of entries) addEntry(draft, entry, isRuntime);
  for (const event of events) addEvent(draft, event, isRuntime);
  const next = draft.seal();
  const touched = [...draft.touched].sort((a, b) => a - b);
  return {
    state: next,
    entries: touched
      .map((index) => joinedEntry(next, index))
      .filter((entry) => entry !== undefined),
    executions: draft.executed,
  };
}

function addEntry(draft: JoinDraft, entry: JoinEntry, isRuntime: RuntimeTest): void {
  const index = draft.entries++;
  const { template, violation, path } = entry;
  const digest = ownCopy(entry.digest);
  const claimKey = bytesKey(entry.templateDigest);
  draft.facts.set(index, {
    template,
    violation,
    path,
    digest,
    claimKey,
    contentKey: digestKey(digest),
    isRuntime: digest !== null && isRuntime(digest),
    round: draft.round,
  });
  draft.touched.add(index);
  if (!violation) {
    draft.indices.set(claimKey, { last: index, before: draft.indices.get(claimKey) ?? null });
  }
}

type Kind = NamespaceEvent["kind"];
type Rule<E> = (draft: JoinDraft, event: E, isRuntime: RuntimeTest) => void;

const RULES: { readonly [K in Kind]: Rule<Extract<NamespaceEvent, { kind: K }>> } = {
  boot: attach,
  "ns-open": (draft, event) => draft.open(event.ns, event),
  exec: addExecution,
  measured: (draft, event) => (event.violation ? addViolation : addClaim)(draft, event),
  mark: passMark,
  gap: addGap,
  resync: (draft, event) => draft.update(event.ns, { resyncAt: draft.events }),
  "ns-close": (draft, event) => draft.update(event.ns, { closed: { hostGapAt: draft.hostGapAt } }),
};

function addEvent(draft: JoinDraft, event: NamespaceEvent, isRuntime: RuntimeTest): void {
  draft.events++;
  // A rule gets only events of its kind.
  (RULES[event.kind] as Rule<NamespaceEvent>)(draft, event, isRuntime);
}

function attach(draft: JoinDraft, event: BootEvent): void {
  draft.open(HOST, null);
  for (let index = 0; index < event.hostEntries; index++) {
    draft.entryAt(index);
    draft.settle(index, "host");
  }
  draft.mark = event.hostEntries;
}

function addExecution(draft: JoinDraft, event: ExecEvent, isRuntime: RuntimeTest): void {
  const { how, path, digest, fsMagic, flags } = event;
  const isRuntimeFile = digest !== null && isRuntime(digest);
  const ns = actorOf({ ns: event.ns, onHost: isOnHost(flags) }, isRuntimeFile);
  draft.run(ns, { how, path, digest, fsMagic, flags });
  // Memory without a file has no digest by its nature: a limit of what can be seen, not an irregularity.
  if (ns !== HOST && how !== "anonymous" && digestKey(digest) === null) {
    draft.accuse(ns, { reason: "no-digest", path, digest: null });
  }
}

function addClaim(draft: JoinDraft, event: MeasuredEvent): void {
  const claim = { ns: event.ns, onHost: isOnHost(event.flags) };
  draft.namespace(claim.ns);
  const key = bytesKey(event.templateDigest);
  if (draft.isNew(`claim ${claim.ns} ${claim.onHost} ${key}`)) {
    draft.claims.set(key, { last: claim, before: draft.claims.get(key) ?? null });
  }
  const settled = chainItems(draft.indices.get(key) ?? null).filter((index) => index < draft.mark);
  const [first] = settled;
  if (first === undefined) return;
  const actor = actorOf(claim, draft.entryAt(first).isRuntime);
  if (actor !== HOST) {
    draft.lateClaims.push({ ns: actor, index: first });
    return;
  }
  for (const index of settled) {
    const owner = draft.owners.get(index);
    if (owner !== "unowned" && owner !== "host") draft.settle(index, "host");
  }
}

function addViolation(draft: JoinDraft, event: MeasuredEvent): void {
  draft.namespace(event.ns);
  draft.announceViolation(event.ns);
  if (event.ns !== HOST) draft.accuse(event.ns, { reason: "violation", path: "", digest: null });
}

function addGap(draft: JoinDraft, event: GapEvent): void {
  if (LOSES_CLAIMS.has(event.reason)) draft.losing = true;
  if (event.ns === HOST) draft.hostGapAt = draft.events;
  else draft.update(event.ns, { gapAt: draft.events });
}

function passMark(draft: JoinDraft, event: MarkEvent): void {
  if (event.index < draft.mark) {
    throw new NsImaError("MARK_DECREASES", `a mark of ${event.index} after one of ${draft.mark}`);
  }
  for (let index = draft.mark; index < event.index; index++) settleEntry(draft, index);
  for (const { ns, index } of draft.lateClaims) checkContent(draft, ns, draft.entryAt(index));
  draft.lateClaims = [];
  draft.losing = false;
  draft.mark = event.index;
  draft.markedAt = draft.events;
}

function settleEntry(draft: JoinDraft, index: number): void {
  const facts = draft.entryAt(index);
  const actors = facts.violation
    ? [draft.takeViolation()]
    : actorsOf(draft.claims.get(facts.claimKey) ?? null, facts.isRuntime);
  const [first] = actors;
  draft.settle(index, first === undefined ? withoutClaim(draft, facts) : asOwner(first));
  for (const ns of actors) {
    if (ns !== undefined && ns !== HOST && !facts.violation) checkContent(draft, ns, facts);
  }
}

function withoutClaim(draft: JoinDraft, { contentKey }: EntryFacts): SettledOwner {
  if (!draft.losing) return "unowned";
  if (contentKey === null) return "gap";
  // A container before the host: else it could make the host answer for a path of the container's choice.
  const runner = draft.firstRunner.get(contentKey);
  if (runner !== undefined) return { ns: runner };
  return draft.hasRun(HOST, contentKey) ? "host" : "gap";
}

function checkContent(draft: JoinDraft, ns: NamespaceId, facts: EntryFacts): void {
  const { path, digest, contentKey } = facts;
  if (contentKey === null) draft.accuse(ns, { reason: "zero-digest", path, digest: null });
  // Where executions were lost, the gap is what there is to say of the namespace.
  else if (!draft.hasRun(ns, contentKey) && !draft.hasMissed(ns)) {
    draft.accuse(ns, { reason: "no-execution", path, digest });
  }
}

function asOwner(ns: NamespaceId): SettledOwner {
  return ns === HOST ? "host" : { ns };
}

/** A list entry is a view on the whole evidence, which must not stay as long as the entry. */
function ownCopy(digest: FileDigest | null): FileDigest | null {
  return digest && { algorithm: digest.algorithm, value: new Uint8Array(digest.value) };
}
