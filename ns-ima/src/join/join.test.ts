// SPDX-License-Identifier: Apache-2.0

import { hash } from "node:crypto";
import { describe, expect, it } from "vitest";
import type {
  BootEvent,
  ExecEvent,
  ExecutionKind,
  FileDigest,
  GapReason,
  NamespaceEvent,
  NsOpenEvent,
} from "../log/event.ts";
import { EventFlag } from "../log/event.ts";
import { chainItems } from "./chain.ts";
import type { EntryOwner, JoinEntry } from "./entry-owner.ts";
import { type JoinedEvidence, joinEvidence } from "./join.ts";
import { EMPTY_JOIN, type JoinState } from "./join-state.ts";
import { joinedEntry, oldestPending, ownerCounts } from "./joined-entry.ts";
import { joinedNamespace, joinedNamespaces } from "./joined-namespace.ts";
import { bytesKey } from "./namespace-facts.ts";

const { HOST_MOUNT, HOST_PID } = EventFlag;
const ON_HOST = HOST_MOUNT | HOST_PID;

/** A digest for each word: zeros for the empty one. */
const digest = (word: string): FileDigest => ({
  algorithm: "sha256",
  value: word === "" ? new Uint8Array(32) : new Uint8Array(hash("sha256", word, "buffer")),
});

/** A list entry with the content `word`. */
const entry = (word: string, path = `/bin/${word}`): JoinEntry => ({
  template: "ima-sig",
  templateDigest: digest(`template of ${word} at ${path}`).value,
  violation: false,
  digest: digest(word),
  path,
});
const violation: JoinEntry = {
  template: "ima-sig",
  templateDigest: new Uint8Array(32),
  violation: true,
  digest: null,
  path: "/whatever",
};

const boot = (hostEntries: number): BootEvent => ({
  kind: "boot",
  ns: "host",
  tag: new Uint8Array(32),
  bootId: "",
  kernel: "",
  resetCount: 0,
  restartCount: 0,
  baseline: new Uint8Array(32),
  hostEntries,
  programs: [],
  version: "",
});
const open = (ns: string, privileged: readonly string[] = []): NsOpenEvent => ({
  kind: "ns-open",
  ns,
  tag: new Uint8Array(32),
  cgroup: 1,
  mountNamespace: 2,
  pidNamespace: 3,
  runtime: "runc",
  declared: true,
  privileged,
  labels: [["name", ns]],
});
const exec = (
  ns: string,
  word: string | null,
  { how = "exec" as ExecutionKind, path = `/bin/${word}`, flags = 0 } = {},
): ExecEvent => ({
  kind: "exec",
  ns,
  how,
  path,
  digest: word === null ? null : digest(word),
  fsMagic: 0,
  flags,
});
const claim = (ns: string, { templateDigest }: JoinEntry, flags = 0): NamespaceEvent => ({
  kind: "measured",
  ns,
  templateDigest,
  violation: false,
  flags,
});
const violates = (ns: string, flags = 0): NamespaceEvent => ({
  kind: "measured",
  ns,
  templateDigest: new Uint8Array(32),
  violation: true,
  flags,
});
const mark = (index: number): NamespaceEvent => ({ kind: "mark", ns: "host", index });
const gap = (ns: string, reason: GapReason): NamespaceEvent => ({
  kind: "gap",
  ns,
  lost: 1,
  reason,
});
const resync = (ns: string): NamespaceEvent => ({ kind: "resync", ns, found: 1 });
const close = (ns: string): NamespaceEvent => ({ kind: "ns-close", ns, executions: 0, reason: "" });

const noRuntime = () => false;
const runcOnly = ({ value }: FileDigest) => Buffer.compare(value, digest("runc").value) === 0;

/** One evidence after a boot with an empty list and two containers, `a` and `b`. */
function join(
  entries: readonly JoinEntry[],
  events: readonly NamespaceEvent[],
  isRuntime: (digest: FileDigest) => boolean = noRuntime,
): JoinState {
  const start = [boot(0), open("a/0"), open("b/0")];
  return joinEvidence(EMPTY_JOIN, entries, [...start, ...events], isRuntime).state;
}

const owners = (state: JoinState): readonly (EntryOwner | undefined)[] =>
  Array.from({ length: state.entries }, (_, index) => joinedEntry(state, index)?.owner);
const reasons = (state: JoinState, ns: string) =>
  joinedNamespace(state, ns)?.unstable.map(({ reason }) => reason);
const coded = (code: string) => expect.objectContaining({ name: "NsImaError", code });

const A = { ns: "a/0" };
const B = { ns: "b/0" };
const tool = entry("tool");

describe("an entry of the host list", () => {
  // Without it everything that booted before our programs were attached would fail the host as unowned.
  it("is the host's below the length of the list at attach", () => {
    const list = [entry("boot_aggregate"), entry("init"), entry("late")];
    const { state } = joinEvidence(EMPTY_JOIN, list, [boot(2)], noRuntime);
    expect(owners(state)).toEqual(["host", "host", "pending"]);
  });

  // Without it a container's dropped program would be the host's fault, or nobody's.
  it("is the container's that claimed it before the first mark above it", () => {
    expect(owners(join([tool], [exec("a/0", "tool"), claim("a/0", tool), mark(1)]))).toEqual([A]);
  });

  // Without it the second container could take over, and answer for, what the first one brought.
  it("is the first claimant's of several containers", () => {
    const events = [
      exec("a/0", "tool"),
      exec("b/0", "tool"),
      claim("b/0", tool),
      claim("a/0", tool),
    ];
    expect(owners(join([tool], [...events, mark(1)]))).toEqual([B]);
  });

  // Without it a container runs the host's malware once itself, first, and the host is clean.
  it.each([
    ["before the container", [claim("host", tool), claim("a/0", tool), mark(1)]],
    ["after the container", [claim("a/0", tool), claim("host", tool), mark(1)]],
    ["after the mark", [claim("a/0", tool), mark(1), claim("host", tool)]],
  ])("is the host's when the host claims it %s", (_, events) => {
    const state = join([tool], [exec("a/0", "tool"), ...events]);
    expect(owners(state)).toEqual(["host"]);
    expect(joinedNamespace(state, "a/0")?.entries).toEqual([]);
    expect(joinedNamespace(state, "host")?.entries).toEqual([0]);
    expect(ownerCounts(state)).toEqual({ host: 1, namespaces: 0, unowned: 0, gap: 0, pending: 0 });
  });

  // Without it something that hides from our programs, such as a rootkit's loader, would be nobody's business.
  it("is unowned when nobody claimed it before the first mark above it", () => {
    expect(owners(join([tool], [mark(1)]))).toEqual(["unowned"]);
  });

  // Without it an attacker on the host lets a container claim afterwards what he ran himself.
  it("stays unowned whoever claims it later", () => {
    const late = [
      exec("a/0", "tool"),
      claim("a/0", tool),
      exec("host", "tool"),
      claim("host", tool),
    ];
    expect(owners(join([tool], [mark(1), ...late, mark(1)]))).toEqual(["unowned"]);
  });

  // Without it a claim in time that arrives with a later evidence than its entry would count as none.
  it("is pending above the last mark, and says since which evidence", () => {
    const first = join([tool], []);
    const second = joinEvidence(first, [entry("other")], [mark(0)], noRuntime).state;
    expect(joinedEntry(second, 0)).toMatchObject({ owner: "pending", round: 1 });
    expect(joinedEntry(second, 1)).toMatchObject({ owner: "pending", round: 2 });
    expect(oldestPending(second)).toMatchObject({ index: 0, round: 1 });
    expect(ownerCounts(second).pending).toBe(2);
    const third = joinEvidence(
      second,
      [],
      [exec("a/0", "tool"), claim("a/0", tool), mark(1)],
      noRuntime,
    );
    expect(third.entries).toEqual([
      {
        index: 0,
        owner: A,
        round: 1,
        template: "ima-sig",
        violation: false,
        digest: tool.digest,
        path: tool.path,
      },
    ]);
    expect(oldestPending(third.state)).toMatchObject({ index: 1, round: 2 });
    const last = joinEvidence(third.state, [], [mark(2)], noRuntime).state;
    expect(oldestPending(last)).toBeUndefined();
    expect(joinedEntry(last, 2)).toBeUndefined();
  });

  // Without it a container that names its file as the host does could own the host's entry.
  it("is not joined by its path", () => {
    const host = entry("genuine", "/bin/sh");
    const own = entry("forged", "/bin/sh");
    const events = [
      exec("a/0", "forged", { path: "/bin/sh" }),
      claim("a/0", own),
      claim("host", host),
    ];
    expect(owners(join([own, host], [...events, mark(2)]))).toEqual([A, "host"]);
  });

  // Without it only one of two records of the same thing (kexec, a kernel without hash table) would change hands.
  it("shares its claims with every other entry of the same template digest", () => {
    const events = [exec("a/0", "tool"), claim("a/0", tool), mark(1)];
    const state = join([tool, tool], events);
    expect(owners(state)).toEqual([A, "pending"]);
    const after = joinEvidence(state, [tool], [mark(3)], noRuntime).state;
    expect(owners(after)).toEqual([A, A, A]);
    const claimed = joinEvidence(after, [], [claim("host", tool)], noRuntime);
    expect(owners(claimed.state)).toEqual(["host", "host", "host"]);
    expect(claimed.entries.map(({ index }) => index)).toEqual([0, 1, 2]);
  });
});

describe("a mark", () => {
  // Without it entries yet to come would be settled before anybody could have claimed them.
  it("must not lie beyond the list", () => {
    expect(() => join([tool], [mark(2)])).toThrow(coded("MARK_BEYOND_LIST"));
    expect(() => join([tool], [mark(4_294_967_295)])).toThrow(coded("MARK_BEYOND_LIST"));
  });

  // Without it a large number at attach would make all that is to come the host's, for its excludes to forgive.
  it("must not lie beyond the list at attach either", () => {
    expect(() => joinEvidence(EMPTY_JOIN, [tool], [boot(2)], noRuntime)).toThrow(
      coded("MARK_BEYOND_LIST"),
    );
  });

  // Without it an entry could be settled twice.
  it("must not decrease", () => {
    expect(() => join([tool], [mark(1), mark(0)])).toThrow(coded("MARK_DECREASES"));
    expect(() => joinEvidence(EMPTY_JOIN, [tool], [boot(1), mark(0)], noRuntime)).toThrow(
      coded("MARK_DECREASES"),
    );
    expect(owners(join([tool], [claim("host", tool), mark(1), mark(1)]))).toEqual(["host"]);
  });

  // Without it one refused evidence would be the end of a node until its next boot.
  it("that is refused leaves the state usable", () => {
    const state = join([tool], [exec("a/0", "tool"), claim("a/0", tool)]);
    const more = [claim("b/0", tool), violates("b/0"), gap("host", "recursion-miss"), mark(9)];
    expect(() => joinEvidence(state, [entry("x")], more, noRuntime)).toThrow();
    const { state: next } = joinEvidence(state, [], [mark(1)], noRuntime);
    expect(owners(next)).toEqual([A]);
    expect(reasons(next, "b/0")).toEqual([]);
    expect(owners(state)).toEqual(["pending"]);
  });
});

describe("violations", () => {
  // Without it one container's violation would be the host's failure, or the host's a container's.
  it("are joined by number, the rest is unowned", () => {
    const list = [violation, violation, violation, violation];
    const state = join(list, [violates("a/0"), violates("b/0"), violates("a/0"), mark(4)]);
    expect(owners(state)).toEqual([A, A, B, "unowned"]);
    expect(reasons(state, "a/0")).toEqual(["violation"]);
    expect(reasons(state, "b/0")).toEqual(["violation"]);
  });

  it("are the host's when the host announced them", () => {
    const state = join([violation, violation], [violates("host"), violates("host"), mark(2)]);
    expect(owners(state)).toEqual(["host", "host"]);
    expect(joinedNamespace(state, "host")?.unstable).toEqual([]);
  });

  // Without it a container announces more violations than it causes, and they swallow the host's.
  it("are the host's first, however many containers announced before", () => {
    const events = [violates("a/0"), violates("a/0"), violates("host"), mark(1)];
    expect(owners(join([violation], events))).toEqual(["host"]);
  });

  // Without it the announcement that the list had not caught up with would be lost, and its entry unowned.
  it("may be found under a later mark than they were announced", () => {
    const state = join([tool], [exec("a/0", "tool"), claim("a/0", tool), violates("a/0"), mark(1)]);
    const next = joinEvidence(state, [violation, violation], [mark(3)], noRuntime).state;
    expect(owners(next)).toEqual([A, A, "unowned"]);
  });

  // Without it a claim of zeros would own every violation there is.
  it("are in nobody's template digest", () => {
    const zeros: NamespaceEvent = {
      ...claim("a/0", tool),
      templateDigest: new Uint8Array(32),
    } as NamespaceEvent;
    expect(owners(join([violation], [zeros, mark(1)]))).toEqual(["unowned"]);
  });

  it("do not change hands by a claim of zeros", () => {
    const zeros = { ...claim("host", tool), templateDigest: new Uint8Array(32) } as NamespaceEvent;
    expect(owners(join([violation], [violates("a/0"), mark(1), zeros]))).toEqual([A]);
  });

  // Without it a container could hide that its code was rewritten while it ran: no entry has to follow.
  it("count against a container even when no entry follows", () => {
    expect(reasons(join([], [violates("a/0")]), "a/0")).toEqual(["violation"]);
  });

  it("that the runtime's task announces stay the container's, for they have no digest", () => {
    const state = join([violation], [violates("a/0", ON_HOST), mark(1)], () => true);
    expect(owners(state)).toEqual([A]);
  });
});

describe("a gap", () => {
  const missed = gap("host", "recursion-miss");

  // Without it a kernel that loses a claim now and then fails its host for good.
  it("joins what nobody claimed by content: to the container that executed it", () => {
    const events = [
      exec("host", "tool"),
      exec("b/0", "tool"),
      exec("a/0", "tool"),
      missed,
      mark(1),
    ];
    expect(owners(join([tool], events))).toEqual([B]);
  });

  it("joins what only the host executed to the host", () => {
    expect(owners(join([tool], [exec("host", "tool"), missed, mark(1)]))).toEqual(["host"]);
  });

  // Without it the gap would be a way to be nobody's fault and nobody's doubt.
  it("leaves what nobody executed in the gap, violations and zero digests too", () => {
    const zero = { ...entry(""), path: "/dev/zero" };
    expect(owners(join([tool, violation, zero], [missed, mark(3)]))).toEqual(["gap", "gap", "gap"]);
  });

  it("does not touch what was claimed", () => {
    const events = [exec("b/0", "tool"), exec("a/0", "tool"), claim("a/0", tool), missed, mark(1)];
    expect(owners(join([tool], events))).toEqual([A]);
  });

  // Without it an execution that comes later relieves: run the program in a container once the host has run it.
  it("counts executions before the mark only", () => {
    expect(owners(join([tool], [missed, mark(1), exec("a/0", "tool"), mark(1)]))).toEqual(["gap"]);
  });

  // Without it one early miss would excuse every entry to come.
  it("ends with the mark", () => {
    const other = entry("other");
    expect(owners(join([tool, other], [missed, mark(1), mark(2)]))).toEqual(["gap", "unowned"]);
  });

  it("may end with a later evidence than it began", () => {
    const state = join([tool], [missed]);
    expect(owners(joinEvidence(state, [], [mark(1)], noRuntime).state)).toEqual(["gap"]);
  });

  // Without it a container that floods its ring loses its own claims, and fails the host with what it did.
  it("of a container's ring loses claims as well", () => {
    expect(owners(join([tool], [gap("a/0", "ring-overflow"), mark(1)]))).toEqual(["gap"]);
  });

  // Without it whoever detaches our programs is excused for what he does then.
  it.each(["program-changed", "late-start"] as const)("by %s loses no claims", (reason) => {
    expect(owners(join([tool], [gap("host", reason), mark(1)]))).toEqual(["unowned"]);
  });

  it("gives way to a late claim of the host", () => {
    expect(owners(join([tool], [missed, mark(1), claim("host", tool)]))).toEqual(["host"]);
  });
});

describe("the gap state of a namespace", () => {
  const states = (state: JoinState) =>
    Object.fromEntries(joinedNamespaces(state).map((id) => [id, joinedNamespace(state, id)?.gap]));

  it("is none where nothing was missed", () => {
    expect(states(join([], [mark(0)]))).toEqual({ host: "none", "a/0": "none", "b/0": "none" });
  });

  // Without it a container passes for what was seen of it, whatever was not.
  it("is open from its gap until its resync, and resynced from then on", () => {
    const gone = [gap("a/0", "late-start")];
    expect(states(join([], gone))).toEqual({ host: "none", "a/0": "open", "b/0": "none" });
    expect(states(join([], [...gone, resync("a/0"), resync("b/0")]))).toEqual({
      host: "none",
      "a/0": "resynced",
      "b/0": "none",
    });
    expect(states(join([], [...gone, resync("a/0"), ...gone]))["a/0"]).toBe("open");
  });

  // Without it events that were lost without a name would have been nobody's.
  it("is open for everybody who was open when the host missed something, and for nobody else", () => {
    const lost = [close("b/0"), gap("host", "ring-overflow"), open("c/0"), close("a/0")];
    expect(states(join([], lost))).toEqual({
      host: "open",
      "a/0": "open",
      "b/0": "none",
      "c/0": "none",
    });
    expect(states(join([], [...lost, resync("c/0"), resync("host")]))).toMatchObject({
      host: "resynced",
      "a/0": "open",
      "c/0": "none",
    });
  });

  it("does not change with the host's gaps after the namespace has ended", () => {
    const events = [
      gap("a/0", "late-start"),
      resync("a/0"),
      close("a/0"),
      gap("host", "recursion-miss"),
    ];
    expect(states(join([], events))["a/0"]).toBe("resynced");
  });
});

describe("the runtime in a container's cgroup", () => {
  const runc = entry("runc", "/usr/bin/runc");
  const events = [
    exec("a/0", "runc", { path: runc.path, flags: ON_HOST }),
    claim("a/0", runc, ON_HOST),
  ];

  // Without it every container would be judged for runc by its own policy, and fail.
  it("acts as the host", () => {
    const state = join([runc], [...events, mark(1)], runcOnly);
    expect(owners(state)).toEqual(["host"]);
    expect(joinedNamespace(state, "a/0")?.executions).toEqual([]);
    expect(joinedNamespace(state, "host")?.executions).toMatchObject([{ path: "/usr/bin/runc" }]);
    expect(reasons(state, "a/0")).toEqual([]);
  });

  it("acts as the host when its claim comes after the mark", () => {
    const state = join([runc], [claim("b/0", runc), mark(1), ...events], runcOnly);
    expect(owners(state)).toEqual(["host"]);
  });

  // Without it a privileged container enters the host's namespaces, and what it runs there is the host's failure.
  it("is known by its digest, not by where it stands", () => {
    const state = join([runc], [...events, mark(1)], noRuntime);
    expect(owners(state)).toEqual([A]);
    expect(joinedNamespace(state, "a/0")?.executions).toHaveLength(1);
  });

  // Without it a container runs the runtime's program inside, and answers for nothing it does with it.
  it.each([
    ["the host's mount namespace only", HOST_MOUNT],
    ["the host's pid namespace only", HOST_PID],
    ["its own namespaces", 0],
  ])("is the container when it stands in %s", (_, flags) => {
    const inside = [exec("a/0", "runc", { path: runc.path, flags }), claim("a/0", runc, flags)];
    const state = join([runc], [...inside, mark(1)], runcOnly);
    expect(owners(state)).toEqual([A]);
    expect(joinedNamespace(state, "a/0")?.executions).toHaveLength(1);
  });

  it("is no alibi for a claim of another container", () => {
    const state = join(
      [runc],
      [...events, exec("b/0", "runc"), claim("b/0", runc), mark(1)],
      runcOnly,
    );
    expect(owners(state)).toEqual(["host"]);
    expect(joinedNamespace(state, "b/0")?.executions).toHaveLength(1);
  });

  it("is never asked about a file without digest", () => {
    const asked = () => {
      throw new Error("asked");
    };
    join([violation], [exec("a/0", null, { flags: ON_HOST })], asked);
  });
});

describe("an unstable digest", () => {
  // Without it a container shows the kernel's cached digest of an allowed file and runs another one.
  it("is found when a container owns an entry that it did not execute", () => {
    const state = join(
      [tool],
      [exec("a/0", "allowed", { path: "/bin/tool" }), claim("a/0", tool), mark(1)],
    );
    expect(joinedNamespace(state, "a/0")?.unstable).toEqual([
      { reason: "no-execution", path: "/bin/tool", digest: digest("tool") },
    ]);
  });

  // Without it the trick is free for the second container that plays it, and for the first when the host owns the entry.
  it.each([
    ["a neighbour's", [exec("a/0", "tool"), claim("a/0", tool)]],
    ["the host's", [exec("host", "tool"), claim("host", tool)]],
  ])("is found when a container claims an entry of %s that it did not execute", (_, first) => {
    const state = join([tool], [...first, claim("b/0", tool), mark(1)]);
    expect(reasons(state, "b/0")).toEqual(["no-execution"]);
    expect(reasons(state, "a/0")).toEqual([]);
  });

  it("is found in claims after the entry was settled, when the next mark has come", () => {
    const state = join(
      [tool],
      [claim("host", tool), mark(1), claim("a/0", tool), claim("b/0", tool)],
    );
    expect([reasons(state, "a/0"), reasons(state, "b/0")]).toEqual([[], []]);
    const next = joinEvidence(state, [], [exec("b/0", "tool"), mark(1)], noRuntime).state;
    expect([reasons(next, "a/0"), reasons(next, "b/0")]).toEqual([["no-execution"], []]);
  });

  // Without it a container whose executions were lost, and that is under suspicion for that, would be convicted.
  it.each(["a/0", "host"])("is not found where %s missed something since the mark before", (ns) => {
    const lost = [mark(0), gap(ns, "ring-overflow"), claim("a/0", tool), mark(1)];
    expect(reasons(join([tool], lost), "a/0")).toEqual([]);
    const other = entry("other");
    const later = joinEvidence(
      join([tool], lost),
      [other],
      [claim("a/0", other), mark(2)],
      noRuntime,
    );
    expect(reasons(later.state, "a/0")).toEqual(["no-execution"]);
  });

  it("is not found later for what was missed then, but for the same claim made again", () => {
    const lost = [
      claim("host", tool),
      mark(1),
      gap("a/0", "ring-overflow"),
      claim("a/0", tool),
      mark(1),
    ];
    expect(reasons(join([tool], [...lost, mark(1)]), "a/0")).toEqual([]);
    expect(reasons(join([tool], [...lost, claim("a/0", tool), mark(1)]), "a/0")).toEqual([
      "no-execution",
    ]);
  });

  // Without it one container floods its ring, and all others may do as they please.
  it("is found where only a neighbour missed something", () => {
    const lost = [gap("b/0", "ring-overflow"), claim("a/0", tool), mark(1)];
    expect(reasons(join([tool], lost), "a/0")).toEqual(["no-execution"]);
  });

  // Without it the container waits for its verdict and then executes the file once, in the open.
  it("stays found when the execution comes after the mark", () => {
    const state = join([tool], [claim("a/0", tool), mark(1), exec("a/0", "tool"), mark(1)]);
    expect(reasons(state, "a/0")).toEqual(["no-execution"]);
  });

  // Without it a file that the kernel could not read (O_DIRECT, SysV shared memory) is code without a digest.
  it("is found in an entry whose digest is zero", () => {
    const zero = { ...entry(""), path: "/bin/direct" };
    const state = join([zero], [exec("a/0", ""), claim("a/0", zero), mark(1)]);
    expect(reasons(state, "a/0")).toEqual(["no-digest", "zero-digest"]);
  });

  // Without it code whose content the kernel did not say is judged by its path.
  it.each(["exec", "map", "mprotect"] as const)("is found in an %s without digest", (how) => {
    const state = join([], [exec("a/0", null, { how, path: "/bin/x" })]);
    expect(joinedNamespace(state, "a/0")?.unstable).toEqual([
      { reason: "no-digest", path: "/bin/x", digest: null },
    ]);
  });

  it("is not found in anonymous memory, which has none by nature", () => {
    const state = join([], [exec("a/0", null, { how: "anonymous", path: "" })]);
    expect(reasons(state, "a/0")).toEqual([]);
    expect(joinedNamespace(state, "a/0")?.executions).toHaveLength(1);
  });

  // Without it a container that holds a file of the host open, or writes to it, fails the host.
  it("is never the host's", () => {
    const zero = { ...entry(""), path: "/bin/direct" };
    const list = [tool, zero, violation];
    const events = [exec("host", null), claim("host", tool), claim("host", zero), violates("host")];
    expect(reasons(join(list, [...events, mark(3)]), "host")).toEqual([]);
  });

  // Without it a loop in a container grows the verdict without bound.
  it("is found once for each reason, path and digest", () => {
    const again = [violates("a/0"), exec("a/0", null, { path: "/x" }), claim("a/0", tool)];
    const state = join([tool, tool], [...again, ...again, mark(2), ...again, mark(2)]);
    expect(reasons(state, "a/0")).toEqual(["violation", "no-digest", "no-execution"]);
  });
});

describe("claims of one entry by one container", () => {
  // Without it a loop in a container grows what is kept of each entry without bound.
  it("are kept once", () => {
    const again = new Array<NamespaceEvent>(10).fill(claim("a/0", tool));
    const state = join([], [...again, claim("a/0", tool, ON_HOST), ...again]);
    const key = bytesKey(tool.templateDigest);
    expect(chainItems(state.claims.get(key) ?? null)).toEqual([
      { ns: "a/0", onHost: false },
      { ns: "a/0", onHost: true },
    ]);
  });
});

describe("a namespace", () => {
  it("has each execution once for each way, path, digest and flags", () => {
    const events = [
      exec("a/0", "tool"),
      exec("a/0", "tool"),
      exec("a/0", "tool", { how: "map" }),
      exec("a/0", "tool", { flags: EventFlag.SCRIPT }),
      exec("a/0", "tool", { path: "/other" }),
      exec("a/0", "changed", { path: "/bin/tool" }),
    ];
    const { state, executions } = joinEvidence(
      EMPTY_JOIN,
      [],
      [boot(0), open("a/0"), ...events],
      noRuntime,
    );
    expect(joinedNamespace(state, "a/0")?.executions).toHaveLength(5);
    expect(executions.map(({ ns }) => ns)).toEqual(["a/0", "a/0", "a/0", "a/0", "a/0"]);
    const again: JoinedEvidence = joinEvidence(state, [], events, noRuntime);
    expect(again.executions).toEqual([]);
  });

  // Without it what one container ran would be known of the next: the very thing IMA cannot tell apart.
  it("has only its own executions, also of what the list has once", () => {
    const state = join(
      [tool],
      [exec("a/0", "tool"), claim("a/0", tool), exec("b/0", "tool"), mark(1)],
    );
    expect(joinedNamespace(state, "b/0")).toMatchObject({
      executions: [{ path: "/bin/tool", digest: digest("tool") }],
      entries: [],
    });
  });

  it("is what its ns-open said, and closed after ns-close", () => {
    const state = join([], [open("c/7", ["CAP_BPF"]), close("a/0")]);
    expect(joinedNamespaces(state)).toEqual(["host", "a/0", "b/0", "c/7"]);
    expect(joinedNamespace(state, "c/7")).toEqual({
      id: "c/7",
      declared: true,
      privileged: ["CAP_BPF"],
      labels: [["name", "c/7"]],
      runtime: "runc",
      state: "open",
      gap: "none",
      executions: [],
      entries: [],
      unstable: [],
    });
    expect(joinedNamespace(state, "a/0")?.state).toBe("closed");
    expect(joinedNamespace(state, "host")).toMatchObject({ declared: true, privileged: [] });
    expect(joinedNamespace(state, "d/0")).toBeUndefined();
  });

  it.each([
    exec("x/0", "tool"),
    claim("x/0", tool),
    violates("x/0"),
    gap("x/0", "late-start"),
    resync("x/0"),
    close("x/0"),
  ])("must be open before its $kind", (event) => {
    expect(() => join([], [event])).toThrow(coded("LOG_NAMESPACE_UNKNOWN"));
  });

  it("is opened once", () => {
    expect(() => join([], [open("a/0")])).toThrow(coded("LOG_NAMESPACE_REOPENED"));
    expect(() => join([], [boot(0)])).toThrow(coded("LOG_NAMESPACE_REOPENED"));
  });
});

it("keeps no memory of the list it was given", () => {
  const evidence = new Uint8Array(64).fill(1);
  const view = { ...tool, digest: { algorithm: "sha256", value: evidence.subarray(0, 32) } };
  const state = join([view], []);
  expect(joinedEntry(state, 0)?.digest?.value.buffer).not.toBe(evidence.buffer);
});
