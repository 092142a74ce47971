// SPDX-License-Identifier: Apache-2.0

import fc from "fast-check";
import { expect, it } from "vitest";
import {
  EventFlag,
  type ExecutionKind,
  type FileDigest,
  type GapReason,
  type NamespaceEvent,
} from "../log/event.ts";
import type { EntryOwner, JoinEntry } from "./entry-owner.ts";
import { joinEvidence } from "./join.ts";
import { EMPTY_JOIN, type JoinState } from "./join-state.ts";
import { joinedEntry, ownerCounts } from "./joined-entry.ts";
import { joinedNamespace, joinedNamespaces } from "./joined-namespace.ts";
import { signaturesOf } from "./signatures.ts";

// A history is a list of steps in the order in which they happened: an entry that the kernel appends, or an event that
// the monitor writes. Contents are numbers: 0 has no digest, 1 is the runtime's.

type EntryStep = { readonly entry: JoinEntry; readonly content: number };
type Step = EntryStep | { readonly event: NamespaceEvent; readonly content: number };

const RUNTIME = 1;
const ON_HOST = 3;
const NAMESPACES: readonly string[] = ["host", "a/0", "b/0", "c/0"];

const bytes = (byte: number) => new Uint8Array(32).fill(byte);
const digest = (content: number): FileDigest => ({ algorithm: "sha256", value: bytes(content) });
const isRuntime = ({ value }: FileDigest) => value[0] === RUNTIME;
const template = (content: number) => bytes(0x80 + content);

const content = fc.nat(5);
const ns = fc.constantFrom(...NAMESPACES);
const flags = fc.constantFrom(0, 1, ON_HOST);
const { CODE_WRITABLE, ESCAPED, OTHERS_CODE } = EventFlag;
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
      signature: violation || content < 3 ? null : bytes(content % 2),
    },
  }),
);

const event = fc.oneof(
  fc
    .record({
      ns,
      content,
      flags: fc.oneof(flags, fc.constantFrom(CODE_WRITABLE, ESCAPED, OTHERS_CODE)),
      how: fc.constantFrom<ExecutionKind>("exec", "anonymous", "rewrite"),
    })
    .map(({ ns, content, flags, how }): Step => {
      const shown = content === 0 ? null : digest(content);
      return {
        content,
        event: { kind: "exec", ns, how, path: "", digest: shown, fsMagic: 0, file: 0, flags },
      };
    }),
  fc
    .record({
      ns,
      content,
      flags: fc.oneof(flags, fc.constant(ESCAPED)),
      violation: fc.boolean(),
    })
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
    signatures: [1, 2, 3, 4, 5].map((content) => signaturesOf(state, digest(content))),
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

/** The rules once more, all of them, in plain lists of what happened. */
class Book {
  readonly owners: EntryOwner[];
  readonly unstable = new Map<string, Set<string>>();
  readonly runs: { readonly ns: string; readonly content: number; readonly text: string }[] = [];
  readonly #entries: readonly EntryStep[];
  readonly #claims: { readonly ns: string; readonly content: number }[] = [];
  #late: { readonly ns: string; readonly content: number }[] = [];
  #announced: string[] = [];
  #missed = new Set<string>();
  #isLosing = false;
  #mark = 0;

  constructor(steps: readonly Step[]) {
    this.#entries = steps.flatMap((step) => ("entry" in step ? [step] : []));
    this.owners = this.#entries.map(() => "pending");
    for (const step of steps) if ("event" in step) this.#add(step.event, step.content);
  }

  #add(event: NamespaceEvent, content: number): void {
    const { ns } = event;
    const actor = "flags" in event && event.flags === ON_HOST && content === RUNTIME ? "host" : ns;
    if ("flags" in event && event.flags === ESCAPED) this.#accuse(ns, "escaped 0");
    if (event.kind === "boot") {
      this.#mark = event.hostEntries;
      this.owners.fill("host", 0, this.#mark);
    } else if (event.kind === "exec") {
      const text = `${event.how} ${event.flags} ${content}`;
      const isKnown = this.runs.some((run) => run.ns === actor && run.text === text);
      if (!isKnown) this.runs.push({ ns: actor, content, text });
      if (event.flags === CODE_WRITABLE) this.#accuse(actor, `writable ${content}`);
      if (event.how === "rewrite") {
        if (event.flags !== OTHERS_CODE) this.#accuse(actor, "rewritten 0");
      } else if (event.how !== "anonymous" && content === 0) this.#accuse(actor, "no-digest 0");
    } else if (event.kind === "measured" && event.violation) {
      this.#announced.push(ns);
      this.#accuse(ns, "violation 0");
    } else if (event.kind === "measured") {
      this.#claims.push({ ns: actor, content });
      this.#claimLate(actor, content);
    } else if (event.kind === "gap") {
      this.#missed.add(ns);
      this.#isLosing ||= event.reason !== "late-start";
    } else if (event.kind === "mark") {
      for (let index = this.#mark; index < event.index; index++) this.#settle(index);
      for (const { ns, content } of this.#late) this.#check(ns, content);
      this.#late = [];
      this.#missed = new Set();
      this.#isLosing = false;
      this.#mark = event.index;
    }
  }

  #claimLate(ns: string, content: number): void {
    for (const [index, { entry, content: claimed }] of this.#entries.entries()) {
      if (index >= this.#mark || entry.violation || claimed !== content) continue;
      if (ns !== "host") this.#late.push({ ns, content });
      else if (this.owners[index] !== "unowned") this.owners[index] = "host";
    }
  }

  #settle(index: number): void {
    const { entry, content } = this.#entries[index] as EntryStep;
    const claims = this.#claims.filter((claim) => claim.content === content);
    const actors = entry.violation ? this.#takeViolation() : claims.map(({ ns }) => ns);
    const owner = actors.includes("host") ? "host" : (actors[0] ?? this.#byContent(entry, content));
    const isNobody = owner === "host" || owner === "unowned" || owner === "gap";
    this.owners[index] = isNobody ? owner : { ns: owner };
    if (!entry.violation) for (const ns of actors) this.#check(ns, content);
  }

  /** The host's first, then those of whoever announced first, all of them. */
  #takeViolation(): readonly string[] {
    const taken = this.#announced.includes("host") ? "host" : this.#announced[0];
    if (taken === undefined) return [];
    this.#announced.splice(this.#announced.lastIndexOf(taken), 1);
    return [taken];
  }

  #byContent({ violation }: JoinEntry, content: number): string {
    if (!this.#isLosing) return "unowned";
    if (violation || content === 0) return "gap";
    const runners = this.runs.filter((run) => run.content === content).map(({ ns }) => ns);
    return runners.find((ns) => ns !== "host") ?? (runners.length > 0 ? "host" : "gap");
  }

  #check(ns: string, content: number): void {
    const hasRun = this.runs.some((run) => run.ns === ns && run.content === content);
    if (content === 0) this.#accuse(ns, "zero-digest 0");
    else if (!hasRun && !this.#missed.has(ns) && !this.#missed.has("host")) {
      this.#accuse(ns, `no-execution ${content}`);
    }
  }

  #accuse(ns: string, finding: string): void {
    if (ns === "host") return;
    this.unstable.set(ns, (this.unstable.get(ns) ?? new Set()).add(finding));
  }
}

it("says of every history what the rules say", () => {
  fc.assert(
    fc.property(history, (steps) => {
      const { state } = join(EMPTY_JOIN, steps);
      const book = new Book(steps);
      expect(book.owners.map((_, index) => joinedEntry(state, index)?.owner)).toEqual(book.owners);
      for (const id of NAMESPACES) {
        const { unstable, executions } = joinedNamespace(state, id) ?? {};
        const findings = unstable?.map(
          ({ reason, digest }) => `${reason} ${digest?.value[0] ?? 0}`,
        );
        expect(new Set(findings)).toEqual(book.unstable.get(id) ?? new Set());
        const runs = executions?.map(
          ({ how, flags, digest }) => `${how} ${flags} ${digest?.value[0] ?? 0}`,
        );
        expect(runs).toEqual(book.runs.flatMap(({ ns, text }) => (ns === id ? text : [])));
      }
    }),
    { numRuns: 500 },
  );
});

// Without it a node could be stuck, or stand differently, for evidence that proved nothing.
it("leaves a state as it was when evidence fails anywhere, and goes on from it as if nothing had been", () => {
  fc.assert(
    fc.property(history, fc.nat(100), fc.nat(100), (steps, at, end) => {
      const first = at % (steps.length + 1);
      const last = first + (end % (steps.length + 1 - first));
      const { state } = join(EMPTY_JOIN, steps.slice(0, first));
      const before = view(state);
      const failing = steps.slice(first, last);
      const beyond: NamespaceEvent = { kind: "mark", ns: "host", index: 1000 };
      expect(() =>
        joinEvidence(state, entriesOf(failing), [...eventsOf(failing), beyond], isRuntime),
      ).toThrow(expect.objectContaining({ name: "NsImaError" }));
      expect(view(state)).toEqual(before);
      const rest = join(state, steps.slice(first));
      expect(view(rest.state)).toEqual(view(join(EMPTY_JOIN, steps).state));
      expect(view(state)).toEqual(before);
    }),
  );
});

it("lets two evidences follow one state, each as if it were alone", () => {
  fc.assert(
    fc.property(history, history, fc.nat(100), (steps, others, at) => {
      const { state } = join(EMPTY_JOIN, steps.slice(0, 1 + (at % steps.length)));
      const known = eventsOf(others).filter(({ kind }) => kind === "exec" || kind === "measured");
      const follow = (events: readonly NamespaceEvent[]) => {
        try {
          return view(joinEvidence(state, entriesOf(others), events, isRuntime).state);
        } catch (error) {
          return `${error}`;
        }
      };
      const alone = follow(known);
      follow([...known].reverse());
      expect(follow(known)).toEqual(alone);
    }),
  );
});
