// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from "vitest";
import {
  A,
  B,
  boot,
  claim,
  entry,
  exec,
  gap,
  HOST_MOUNT,
  HOST_PID,
  join,
  mark,
  noRuntime,
  ON_HOST,
  owners,
  reasons,
  runcOnly,
  tool,
  violates,
  violation,
} from "../../test/join-history.ts";
import type { NamespaceEvent } from "../log/event.ts";
import { joinEvidence } from "./join.ts";
import { JoinDraft } from "./join-draft.ts";
import { EMPTY_JOIN } from "./join-state.ts";
import { joinedEntry, oldestPending, ownerCounts } from "./joined-entry.ts";
import { joinedNamespace } from "./joined-namespace.ts";

const coded = (code: string) => expect.objectContaining({ name: "NsImaError", code });

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
        content: tool,
        template: "ima-sig",
        kind: "file",
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

describe("claims of one entry by one container", () => {
  // Without it a loop in a container grows what is kept of each entry without bound.
  it("are kept once", () => {
    const again = new Array<NamespaceEvent>(10).fill(claim("a/0", tool));
    const state = join([], [...again, claim("a/0", tool, ON_HOST), ...again]);
    expect(new JoinDraft(state).claimsOf(tool)).toEqual([
      { ns: "a/0", onHost: false },
      { ns: "a/0", onHost: true },
    ]);
  });
});

// Without it each node would have a copy of what all nodes have.
it("keeps the contents that it was given", () => {
  const state = join([tool], []);
  expect(joinedEntry(state, 0)?.digest).toBe(tool.digest);
});
