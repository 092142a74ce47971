// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from "vitest";
import {
  boot,
  claim,
  close,
  digest,
  entry,
  exec,
  gap,
  join,
  mark,
  noRuntime,
  open,
  reasons,
  resync,
  tool,
  violates,
  violation,
} from "../../test/join-history.ts";
import { EventFlag } from "../log/event.ts";
import { type JoinedEvidence, joinEvidence } from "./join.ts";
import { EMPTY_JOIN, type JoinState } from "./join-state.ts";
import { joinedNamespace, joinedNamespaces } from "./joined-namespace.ts";

const coded = (code: string) => expect.objectContaining({ name: "NsImaError", code });

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

  // Without it a container maps a file shared and writable, executes it and changes the code that runs.
  it("is found in an execution of what somebody could write to", () => {
    const state = join([], [exec("a/0", "tool", { flags: EventFlag.CODE_WRITABLE })]);
    expect(joinedNamespace(state, "a/0")?.unstable).toEqual([
      { reason: "writable", path: "/bin/tool", digest: digest("tool") },
    ]);
  });

  // Without it a container executes what is listed, and then changes it while it runs.
  it("is found in a rewrite of what it executed, which is no execution without digest", () => {
    const state = join([], [exec("a/0", null, { how: "rewrite", path: "/bin/x" })]);
    expect(joinedNamespace(state, "a/0")?.unstable).toEqual([
      { reason: "rewritten", path: "/bin/x", digest: null },
    ]);
  });

  // Without it whoever executes a file that a neighbour writes to fails the neighbour.
  it("is not found in a rewrite of what others executed", () => {
    const flags = EventFlag.OTHERS_CODE;
    const state = join([], [exec("a/0", null, { how: "rewrite", path: "/bin/x", flags })]);
    expect(reasons(state, "a/0")).toEqual([]);
    expect(joinedNamespace(state, "a/0")?.executions).toHaveLength(1);
  });

  // Without it a container hides what it does in the cgroup of another.
  it("is found once for an escape from its cgroup, whatever was done there", () => {
    const flags = EventFlag.ESCAPED;
    const state = join(
      [tool],
      [exec("a/0", "tool", { flags }), claim("a/0", tool, flags), mark(1)],
    );
    expect(joinedNamespace(state, "a/0")?.unstable).toEqual([
      { reason: "escaped", path: "", digest: null },
    ]);
    expect(reasons(join([], [violates("a/0", flags)]), "a/0")).toEqual(["escaped", "violation"]);
    expect(reasons(join([], [exec("host", "tool", { flags })]), "host")).toEqual([]);
  });

  // Without it a container that holds a file of the host open, or writes to it, fails the host.
  it("is never the host's", () => {
    const zero = { ...entry(""), path: "/bin/direct" };
    const list = [tool, zero, violation];
    const events = [exec("host", null), claim("host", tool), claim("host", zero), violates("host")];
    const rewrite = exec("host", null, { how: "rewrite" });
    const writable = exec("host", "tool", { flags: EventFlag.CODE_WRITABLE });
    const all = [...events, rewrite, writable, mark(3)];
    expect(reasons(join(list, all), "host")).toEqual([]);
  });

  // Without it a loop in a container grows the verdict without bound.
  it("is found once for each reason, path and digest", () => {
    const again = [violates("a/0"), exec("a/0", null, { path: "/x" }), claim("a/0", tool)];
    const state = join([tool, tool], [...again, ...again, mark(2), ...again, mark(2)]);
    expect(reasons(state, "a/0")).toEqual(["violation", "no-digest", "no-execution"]);
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

  // Without it the first container's entries would be nobody's.
  it("is not opened before the host", () => {
    const early = () => joinEvidence(EMPTY_JOIN, [], [open("a/0"), boot(0)], noRuntime);
    expect(early).toThrow(coded("LOG_NAMESPACE_UNKNOWN"));
    expect(() => joinEvidence(EMPTY_JOIN, [], [mark(0)], noRuntime)).toThrow(
      coded("LOG_NAMESPACE_UNKNOWN"),
    );
  });

  // Without it nobody could say when the signature of what was executed must be known.
  it("has executions of which is known how many marks came before", () => {
    const events = [exec("a/0", "tool"), mark(0), mark(0), exec("a/0", "other")];
    const joined = joinEvidence(EMPTY_JOIN, [], [boot(0), open("a/0"), ...events], noRuntime);
    expect(joined.executions.map(({ marks }) => marks)).toEqual([0, 2]);
    expect(joined.state.marks).toBe(2);
  });

  // Without it each evidence would cost as much as there are namespaces.
  it("has changed only when something else is to be said of it", () => {
    const state = join([tool], [exec("a/0", "tool"), claim("a/0", tool), close("b/0")]);
    const changedBy = (...events: Parameters<typeof join>[1]) => [
      ...joinEvidence(state, [], events, noRuntime).changed,
    ];
    expect(changedBy()).toEqual([]);
    expect(changedBy(exec("a/0", "tool"), claim("a/0", tool), mark(1))).toEqual([]);
    expect(changedBy(exec("a/0", "other"))).toEqual(["a/0"]);
    expect(changedBy(resync("b/0"))).toEqual(["b/0"]);
    expect(changedBy(gap("host", "ring-overflow"))).toEqual(["host", "a/0"]);
  });

  it("is opened once", () => {
    expect(() => join([], [open("a/0")])).toThrow(coded("LOG_NAMESPACE_REOPENED"));
    expect(() => join([], [boot(0)])).toThrow(coded("LOG_NAMESPACE_REOPENED"));
  });
});
