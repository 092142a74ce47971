// SPDX-License-Identifier: Apache-2.0

import { NsImaError } from "../error.ts";
import {
  type BootEvent,
  EventFlag,
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
import { actorOf, actorsOf, isOnHost } from "./claim.ts";
import { namesContent } from "./content.ts";
import type { JoinEntry, JoinedEntry } from "./entry-owner.ts";
import { internExecution } from "./intern-execution.ts";
import { JoinDraft, type JoinedExecution } from "./join-draft.ts";
import type { JoinState, SettledOwner } from "./join-state.ts";
import { entryAt } from "./joined-entry.ts";

/** True when the host's policy names a file with this digest as a container runtime. */
export type RuntimeTest = (digest: FileDigest) => boolean;

export interface JoinedEvidence {
  readonly state: JoinState;
  /** Entries that are new or whose owner has changed, by index. */
  readonly entries: readonly JoinedEntry[];
  /** Executions that are new, in the order of the log. */
  readonly executions: readonly JoinedExecution[];
  /** Namespaces of which `joinedNamespace` says anything else than before, but for the entries they answer for. */
  readonly changed: ReadonlySet<NamespaceId>;
}

const HOST_OPENED = { declared: true, privileged: [], labels: [], runtime: "" } as const;

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
 * grows with what is new, not with `state`, and `state` is not changed, also when this throws. Entries are kept, not
 * copied: they must own their memory.
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
  draft.reserve(entries.length);
  for (const entry of entries) addEntry(draft, entry, isRuntime);
  for (const event of events) addEvent(draft, event, isRuntime);
  const next = draft.seal();
  return {
    state: next,
    entries: newsOf(state, next, draft.relieved),
    executions: draft.executed,
    changed: draft.changed,
  };
}

/** Entries that became the host's, were settled or are new. */
function newsOf(
  { mark, entries }: JoinState,
  next: JoinState,
  relieved: ReadonlySet<number>,
): readonly JoinedEntry[] {
  const earlier = [...relieved].filter((index) => index < mark).sort((a, b) => a - b);
  const news = earlier.map((index) => entryAt(next, index));
  for (let index = mark; index < Math.min(next.mark, entries); index++) {
    news.push(entryAt(next, index));
  }
  for (let index = entries; index < next.entries; index++) news.push(entryAt(next, index));
  return news;
}

function addEntry(draft: JoinDraft, entry: JoinEntry, isRuntime: RuntimeTest): void {
  draft.addEntry(entry, entry.digest !== null && isRuntime(entry.digest));
}

type Kind = NamespaceEvent["kind"];
type Rule<E> = (draft: JoinDraft, event: E, isRuntime: RuntimeTest) => void;

const RULES: { readonly [K in Kind]: Rule<Extract<NamespaceEvent, { kind: K }>> } = {
  boot: attach,
  "ns-open": (draft, event) => draft.open(event.ns, event),
  exec: addExecution,
  measured: addMeasured,
  mark: passMark,
  gap: addGap,
  resync: (draft, event) => draft.update(event.ns, { resyncAt: draft.events }),
  "ns-close": (draft, event) => draft.close(event.ns),
};

function addEvent(draft: JoinDraft, event: NamespaceEvent, isRuntime: RuntimeTest): void {
  draft.events++;
  // A rule gets only events of its kind.
  (RULES[event.kind] as Rule<NamespaceEvent>)(draft, event, isRuntime);
}

function attach(draft: JoinDraft, { hostEntries }: BootEvent): void {
  draft.open(HOST, HOST_OPENED);
  draft.checkIndex(hostEntries);
  for (let index = 0; index < hostEntries; index++) draft.settle(index, "host");
  draft.mark = hostEntries;
}

function addMeasured(draft: JoinDraft, event: MeasuredEvent): void {
  accuseEscaped(draft, event);
  (event.violation ? addViolation : addClaim)(draft, event);
}

function addExecution(draft: JoinDraft, event: ExecEvent, isRuntime: RuntimeTest): void {
  const { digest, flags } = event;
  const isRuntimeFile = digest !== null && isRuntime(digest);
  const ns = actorOf({ ns: event.ns, onHost: isOnHost(flags) }, isRuntimeFile);
  draft.run(ns, internExecution(event));
  if (ns !== HOST) accuseOf(draft, ns, event);
  accuseEscaped(draft, event);
}

/** Holds against a container what is irregular about an execution. Never the host: a container could arrange it. */
function accuseOf(draft: JoinDraft, ns: NamespaceId, event: ExecEvent): void {
  const { how, path, digest, flags } = event;
  if ((flags & EventFlag.CODE_WRITABLE) !== 0)
    draft.accuse(ns, { reason: "writable", path, digest });
  if (how === "rewrite") {
    // Whoever executes a file that a neighbour keeps writing to does not make the neighbour's doing wrong.
    if ((flags & EventFlag.OTHERS_CODE) === 0)
      draft.accuse(ns, { reason: "rewritten", path, digest: null });
  } else if (how !== "anonymous" && !namesContent(digest)) {
    // Memory without a file has no digest by its nature: a limit of what can be seen, not an irregularity.
    draft.accuse(ns, { reason: "no-digest", path, digest: null });
  }
}

/** The host's tasks are in whichever cgroup they want. */
function accuseEscaped(draft: JoinDraft, { ns, flags }: ExecEvent | MeasuredEvent): void {
  if (ns !== HOST && (flags & EventFlag.ESCAPED) !== 0) {
    draft.accuse(ns, { reason: "escaped", path: "", digest: null });
  }
}

function addClaim(draft: JoinDraft, { ns, flags, templateDigest }: MeasuredEvent): void {
  const claim = { ns, onHost: isOnHost(flags) };
  draft.addClaim(templateDigest, claim);
  const settled = draft.settledWith(templateDigest);
  const [first] = settled;
  if (first === undefined) return;
  const actor = actorOf(claim, draft.isRuntime(first));
  if (actor !== HOST) {
    draft.lateClaims.push({ ns: actor, index: first });
    return;
  }
  for (const index of settled) {
    const owner = draft.ownerOf(index);
    if (owner !== "unowned" && owner !== "host") draft.relieve(index);
  }
}

function addViolation(draft: JoinDraft, { ns }: MeasuredEvent): void {
  draft.namespace(ns);
  draft.announceViolation(ns);
  if (ns !== HOST) draft.accuse(ns, { reason: "violation", path: "", digest: null });
}

function addGap(draft: JoinDraft, { ns, reason }: GapEvent): void {
  if (LOSES_CLAIMS.has(reason)) draft.losing = true;
  draft.missed(ns);
}

function passMark(draft: JoinDraft, { index: end }: MarkEvent): void {
  // Nothing is settled before the list's length at attach is known.
  draft.namespace(HOST);
  if (end < draft.mark) {
    throw new NsImaError("MARK_DECREASES", `a mark of ${end} after one of ${draft.mark}`);
  }
  draft.checkIndex(end);
  for (let index = draft.mark; index < end; index++) settleEntry(draft, index);
  for (const { ns, index } of draft.lateClaims) checkContent(draft, ns, draft.content(index));
  draft.lateClaims = [];
  draft.losing = false;
  draft.mark = end;
  draft.markedAt = draft.events;
  draft.marks++;
}

function settleEntry(draft: JoinDraft, index: number): void {
  const content = draft.content(index);
  const actors = content.violation
    ? [draft.takeViolation()]
    : actorsOf(draft.claimsOf(content), draft.isRuntime(index));
  const [first] = actors;
  draft.settle(index, first === undefined ? withoutClaim(draft, content) : asOwner(first));
  for (const ns of actors) {
    if (ns !== undefined && ns !== HOST && !content.violation) checkContent(draft, ns, content);
  }
}

function withoutClaim(draft: JoinDraft, { digest }: JoinEntry): SettledOwner {
  if (!draft.losing) return "unowned";
  if (!namesContent(digest)) return "gap";
  // A container before the host: else it could make the host answer for a path of the container's choice.
  const runner = draft.firstRunner(digest);
  if (runner !== undefined) return { ns: runner };
  return draft.hasRun(HOST, digest) ? "host" : "gap";
}

function checkContent(draft: JoinDraft, ns: NamespaceId, { path, digest }: JoinEntry): void {
  if (!namesContent(digest)) draft.accuse(ns, { reason: "zero-digest", path, digest: null });
  // Where executions were lost, the gap is what there is to say of the namespace.
  else if (!draft.hasRun(ns, digest) && !draft.hasMissed(ns)) {
    draft.accuse(ns, { reason: "no-execution", path, digest });
  }
}

function asOwner(ns: NamespaceId): SettledOwner {
  return ns === HOST ? "host" : { ns };
}
