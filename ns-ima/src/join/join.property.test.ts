// SPDX-License-Identifier: Apache-2.0

import fc from "fast-check";
import { expect, it } from "vitest";
import type { ExecutionKind, FileDigest, GapReason, NamespaceEvent } from "../log/event.ts";
import type { EntryOwner, JoinEntry } from "./entry-owner.ts";
import { joinEvidence } from "./join.ts";
import { EMPTY_JOIN, type JoinState } from "./join-state.ts";
import { joinedEntry, ownerCounts } from "./joined-entry.ts";
import { joinedNamespace, joinedNamespaces } from "./joined-namespace.ts";

// A history is a list of steps in the order in which they happened: an entry that the kernel appends, or an event that
// the monitor writes. Contents are numbers: 0 has no digest, 1 is the runtime's.

type Step =
  | { readonly entry: JoinEntry; readonly content: number }
  | { readonly event: NamespaceEvent; readonly content: number };

const RUNTIME = 1;
const ON_HOST = 3;
const NAMESPACES = ["host", "a/0", "b/0", "c/0"];

const bytes = (byte: number) => new Uint8Array(32).fill(byte);
const digest = (content: number): FileDigest => ({ algorithm: "sha256", value: bytes(content) });
const isRuntime = ({ value }: FileDigest) => value[0] === RUNTIME;
const template = (content: number) => bytes(0x80 + content);

const content = fc.nat(5);
const ns = fc.constantFrom(...NAMESPACES);
const flags = fc.constantFrom(0, 1, ON_HOST);
const container = fc.constantFrom(...NAMESPACES.slice(1));

const entryStep = fc.record({ content, violation: fc.boolean() }).map(
  ({ content, violation }): Step => ({
    content,
    entry: {
      template: "ima-ng",
      kind: "file",
      templateDigest: violation ? bytes(0) : template(content),
      violation,
      digest: violation ? null : digest(content),
      path: "",
      signature: null,
    },
  }),
);

const event = fc.oneof(
  fc
    .record({ ns, content, flags, how: fc.constantFrom<ExecutionKind>("exec", "anonymous") })
    .map(({ ns, content, flags, how }): Step => {
      const shown = content === 0 ? null : digest(content);
      return {
        content,
        event: { kind: "exec", ns, how, path: "", digest: shown, fsMagic: 0, flags },
      };
    }),
  fc
    .record({ ns, content, flags, violation: fc.boolean() })
    .map(({ ns, content, flags, violation }): Step => {
      const templateDigest = violation ? bytes(0) : template(content);
      return { content, event: { kind: "measured", ns, templateDigest, violation, flags } };
    }),
  fc
    .record({
      ns,
      reason: fc.constantFrom<GapReason>("recursion-miss", "ring-overflow", "late-start"),
    })
    .map(({ ns, reason }): Step => ({ content: 0, event: { kind: "gap", ns, lost: 1, reason } })),
  ns.map((ns): Step => ({ content: 0, event: { kind: "resync", ns, found: 0 } })),
  container.map(
    (ns): Step => ({ content: 0, event: { kind: "ns-close", ns, executions: 0, reason: "" } }),
  ),
);

/** A number of entries that the next mark settles; made absolute by {@link history}. */
const markStep = fc.nat(6).map((ahead) => ({ ahead }));

const history = fc
  .tuple(
    fc.array(entryStep, { maxLength: 3 }),
    fc.array(
      fc.oneof({ weight: 3, arbitrary: entryStep }, { weight: 5, arbitrary: event }, markStep),
      {
        maxLength: 60,
      },
    ),
  )
  .map(([before, after]): readonly Step[] => {
    let entries = before.length;
    let mark = entries;
    const steps: Step[] = [...before, ...opening(entries)];
    for (const step of after) {
      if ("ahead" in step) {
        mark = Math.min(mark + step.ahead, entries);
        steps.push({ content: 0, event: { kind: "mark", ns: "host", index: mark } });
      } else {
        if ("entry" in step) entries++;
        steps.push(step);
      }
    }
    return steps;
  });

function opening(hostEntries: number): readonly Step[] {
  const boot: NamespaceEvent = {
    kind: "boot",
    ns: "host",
    tag: bytes(0),
    bootId: "",
    kernel: "",
    resetCount: 0,
    restartCount: 0,
    baseline: bytes(0),
    hostEntries,
    programs: [],
    version: "",
  };
  const opens = NAMESPACES.slice(1).map(
    (ns): NamespaceEvent => ({
      kind: "ns-open",
      ns,
      tag: bytes(0),
      cgroup: 0,
      mountNamespace: 0,
      pidNamespace: 0,
      runtime: "",
      declared: false,
      privileged: [],
      labels: [],
    }),
  );
  return [boot, ...opens].map((event) => ({ content: 0, event }));
}

const entriesOf = (steps: readonly Step[]) =>
  steps.flatMap((step) => ("entry" in step ? step.entry : []));
const eventsOf = (steps: readonly Step[]) =>
  steps.flatMap((step) => ("event" in step ? step.event : []));
const join = (state: JoinState, steps: readonly Step[]) =>
  joinEvidence(state, entriesOf(steps), eventsOf(steps), isRuntime);

/** All that can be read of a state, but for the rounds. */
function view(state: JoinState): unknown {
  return {
    entries: Array.from({ length: state.entries }, (_, index) => ({
      ...joinedEntry(state, index),
      round: 0,
    })),
    namespaces: joinedNamespaces(state).map((id) => joinedNamespace(state, id)),
    counts: ownerCounts(state),
  };
}

function cut(steps: readonly Step[], cuts: readonly number[]): readonly (readonly Step[])[] {
  const ends = [...cuts.map((at) => at % (steps.length + 1)), steps.length].sort((a, b) => a - b);
  return ends.map((end, index) => steps.slice(ends[index - 1] ?? 0, end));
}

it("gives every entry exactly one outcome, and counts them", () => {
  fc.assert(
    fc.property(history, (steps) => {
      const { state } = join(EMPTY_JOIN, steps);
      const counted = { host: 0, namespaces: 0, unowned: 0, gap: 0, pending: 0 };
      const owned = new Map<string, number[]>(NAMESPACES.map((id) => [id, []]));
      for (let index = 0; index < entriesOf(steps).length; index++) {
        const owner = joinedEntry(state, index)?.owner;
        if (typeof owner === "object") owned.get(owner.ns)?.push(index);
        if (owner === "host") owned.get("host")?.push(index);
        if (owner) counted[typeof owner === "object" ? "namespaces" : owner]++;
      }
      expect(ownerCounts(state)).toEqual(counted);
      expect(Object.values(counted).reduce((a, b) => a + b)).toBe(entriesOf(steps).length);
      for (const [id, indices] of owned) {
        expect([...(joinedNamespace(state, id)?.entries ?? [])].sort((a, b) => a - b)).toEqual(
          indices,
        );
      }
    }),
  );
});

it("comes to the same end however the history is cut into evidences, and leaves every state on the way alone", () => {
  fc.assert(
    fc.property(history, fc.array(fc.nat(100), { maxLength: 8 }), (steps, cuts) => {
      let state = EMPTY_JOIN;
      const snapshots: { readonly state: JoinState; readonly view: unknown }[] = [];
      const owners = new Map<number, EntryOwner>();
      const executions: unknown[] = [];
      for (const part of cut(steps, cuts)) {
        const joined = join(state, part);
        state = joined.state;
        snapshots.push({ state, view: view(state) });
        for (const { index, owner } of joined.entries) owners.set(index, owner);
        executions.push(...joined.executions);
      }
      const whole = join(EMPTY_JOIN, steps);
      expect(view(state)).toEqual(view(whole.state));
      for (const snapshot of snapshots) expect(view(snapshot.state)).toEqual(snapshot.view);
      // What each evidence reports adds up to what the state says.
      const reported = [...owners].sort(([a], [b]) => a - b).map(([, owner]) => owner);
      expect(reported).toEqual(whole.entries.map(({ owner }) => owner));
      expect(executions).toEqual(whole.executions);
    }),
  );
});

/** The rules once more, for entries that are no violations: one entry at a time, looking at the whole history. */
function ownerByTheBook(steps: readonly Step[], index: number): EntryOwner {
  const events = steps.flatMap((step) => ("event" in step ? step : []));
  const entry = steps.flatMap((step) => ("entry" in step ? step : []))[index];
  const boot = events.find(({ event }) => event.kind === "boot")?.event;
  if (boot?.kind === "boot" && index < boot.hostEntries) return "host";
  const end = events.findIndex(({ event }) => event.kind === "mark" && event.index > index);
  if (end < 0) return "pending";

  const actor = ({ event, content }: (typeof events)[number]) =>
    "flags" in event && event.flags === ON_HOST && content === RUNTIME ? "host" : event.ns;
  const same = events.filter(({ content }) => content === entry?.content && content !== undefined);
  const claims = same.filter(({ event }) => event.kind === "measured" && !event.violation);
  const inTime = claims.filter((claim) => events.indexOf(claim) < end);
  const host = claims.some((claim) => actor(claim) === "host");
  const [first] = inTime;
  if (first) return host ? "host" : { ns: actor(first) };

  const begin = events.slice(0, end).findLastIndex(({ event }) => event.kind === "mark");
  const lost = events
    .slice(begin + 1, end)
    .some(({ event }) => event.kind === "gap" && event.reason !== "late-start");
  if (!lost) return "unowned";
  if (host) return "host";
  const runs = same.filter((run) => run.event.kind === "exec" && events.indexOf(run) < end);
  const runners = entry?.content === 0 ? [] : runs.map(actor);
  const [runner] = runners.filter((ns) => ns !== "host");
  if (runner !== undefined) return { ns: runner };
  return runners.length > 0 ? "host" : "gap";
}

it("settles every entry that is no violation as the rules say of it alone", () => {
  fc.assert(
    fc.property(history, (steps) => {
      const { state } = join(EMPTY_JOIN, steps);
      for (const [index, entry] of entriesOf(steps).entries()) {
        if (entry.violation) continue;
        expect(joinedEntry(state, index)?.owner).toEqual(ownerByTheBook(steps, index));
      }
    }),
  );
});
