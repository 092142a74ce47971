// SPDX-License-Identifier: Apache-2.0

import type { ExecEvent, NsOpenEvent } from "@nsattest/ns-ima";
import { beforeEach, describe, expect, it } from "vitest";
import type { TaskPlace } from "../source/kernel-event.ts";
import { type Declaration, Registry } from "./registry.ts";

const HOST = { mountNamespace: 1, pidNamespace: 2 };

let registry: Registry;

beforeEach(() => {
  registry = newRegistry();
});

function newRegistry(): Registry {
  let byte = 0;
  return new Registry(HOST, (length) => new Uint8Array(length).fill(++byte));
}

function declaration(containerId: string, cgroup: number, declared = true): Declaration {
  return {
    containerId,
    place: { cgroup, mountNamespace: 11, pidNamespace: 12 },
    runtime: "oci",
    declared,
    privileged: ["bpffs"],
    labels: [["name", containerId]],
  };
}

/** Opens a namespace as the monitor does. */
function open(...of: Parameters<typeof declaration>): NsOpenEvent {
  const event = registry.opening(declaration(...of));
  registry.learn(event);
  return event;
}

function place(cgroups: readonly number[], mountNamespace = 11, pidNamespace = 12): TaskPlace {
  const pidAncestors = pidNamespace === HOST.pidNamespace ? [] : [pidNamespace];
  return { cgroups, mountNamespace, pidNamespace, pidAncestors, process: 4321 };
}

/** The namespace of a task that has one, and has not escaped from it. */
function ownerOf(task: TaskPlace): string | null {
  const membership = registry.membershipOf(task);
  if (membership === null) return null;
  expect(membership).toEqual({ owners: [expect.any(String)], escaped: false });
  return membership.owners[0] ?? null;
}

const onHost = (cgroups: readonly number[]): TaskPlace => place(cgroups, 1, 2);

const execution = (ns: string): ExecEvent => ({
  kind: "exec",
  ns,
  how: "exec",
  path: "/bin/x",
  digest: null,
  fsMagic: 0,
  file: 0,
  flags: 0,
});

describe("opening", () => {
  it("carries the declaration and a tag of its own", () => {
    expect(open("web", 7)).toEqual({
      kind: "ns-open",
      ns: "web/1",
      tag: new Uint8Array(32).fill(1),
      cgroup: 7,
      mountNamespace: 11,
      pidNamespace: 12,
      runtime: "oci",
      declared: true,
      privileged: ["bpffs"],
      labels: [["name", "web"]],
    });
    expect(open("db", 8)).toMatchObject({ ns: "db/2", tag: new Uint8Array(32).fill(2) });
  });

  it("changes nothing until it is learned", () => {
    registry.opening(declaration("web", 7));
    expect(ownerOf(place([7]))).toBeNull();
    expect(registry.closing("web", "x")).toBeNull();
    expect(registry.opening(declaration("web", 7)).ns).toBe("web/1");
  });

  it("counts on past openings that were asked for but not learned yet", () => {
    const names = [0, 1, 2].map((ahead) => registry.opening(declaration("x", 7), ahead).ns);
    expect(names).toEqual(["x/1", "x/2", "x/3"]);
  });

  it("never uses a name again, though a runtime uses an id again", () => {
    open("web", 7);
    const close = registry.closing("web", "poststop");
    if (close !== null) registry.learn(close);
    expect(open("web", 9).ns).toBe("web/2");
  });
});

describe("closing", () => {
  it("says how much was executed there", () => {
    const { ns } = open("web", 7);
    for (const event of [execution(ns), execution(ns), execution("host")]) registry.learn(event);
    expect(registry.closing("web", "poststop")).toEqual({
      kind: "ns-close",
      ns,
      executions: 2,
      reason: "poststop",
    });
    expect(registry.closing("web", "x")).not.toBeNull();
  });

  it("happens once", () => {
    open("web", 7);
    const close = registry.closing("web", "poststop");
    if (close !== null) registry.learn(close);
    expect(registry.closing("web", "poststop")).toBeNull();
    expect(registry.closing("never seen", "poststop")).toBeNull();
  });

  it("of an earlier namespace leaves the one open that has the id now", () => {
    const first = open("web", 7);
    const second = open("web", 9);
    registry.learn({ kind: "ns-close", ns: first.ns, executions: 0, reason: "late" });
    expect(registry.closing("web", "x")).toMatchObject({ ns: second.ns });
  });

  it("keeps the cgroup: what still runs there is not the host's", () => {
    const { ns } = open("web", 7);
    const close = registry.closing("web", "poststop");
    if (close !== null) registry.learn(close);
    expect(ownerOf(onHost([7]))).toBe(ns);
    expect(registry.ownersOfLoss({ cgroup: 7, pidNamespace: 0 })).toEqual([ns]);
  });
});

describe("a task belongs", () => {
  it("to the innermost namespace of the cgroups above it", () => {
    open("pod", 5);
    open("web", 7);
    expect(ownerOf(place([70, 7, 5]))).toBe("web/2");
    expect(ownerOf(place([6, 5]))).toBe("pod/1");
  });

  it("to the host when no cgroup says otherwise and it stands in both of the host's namespaces", () => {
    expect(ownerOf(onHost([99, 98]))).toBe("host");
    expect(ownerOf(onHost([]))).toBe("host");
  });

  it.each([
    ["mount namespace", place([99], 11, 2)],
    ["pid namespace", place([99], 1, 12)],
    ["mount and pid namespace", place([99])],
  ])("to nobody known in a foreign %s", (_, foreign) => {
    expect(ownerOf(foreign)).toBeNull();
  });

  it("to a declared container also in the host's namespaces: whether it is the runtime is judged by its digest", () => {
    open("web", 7);
    expect(ownerOf(onHost([7]))).toBe("web/1");
  });

  it("to the host in a cgroup nobody declared: one task of a login session must not take the others with it", () => {
    open("cgroup-7", 7, false);
    expect(ownerOf(place([7]))).toBe("cgroup-7/1");
    expect(ownerOf(place([7], 11, 2))).toBe("cgroup-7/1");
    expect(ownerOf(onHost([7]))).toBe("host");
  });

  it("to the declared container around a cgroup nobody declared", () => {
    open("cgroup-70", 70, false);
    open("web", 7);
    expect(ownerOf(onHost([70, 7]))).toBe("web/2");
    expect(ownerOf(place([70, 7]))).toBe("web/2");
  });

  it("to the container that was declared for a cgroup seen before", () => {
    open("cgroup-7", 7, false);
    open("web", 7);
    expect(ownerOf(place([7]))).toBe("web/2");
  });
});

describe("by its pid namespace a task belongs", () => {
  const openIn = (containerId: string, cgroup: number, pidNamespace: number, declared = true) => {
    const { place, ...rest } = declaration(containerId, cgroup, declared);
    const event = registry.opening({ ...rest, place: { ...place, pidNamespace } });
    registry.learn(event);
    return event;
  };
  const escaped = (...owners: string[]) => ({ owners, escaped: true });

  beforeEach(() => {
    openIn("web", 7, 70);
    openIn("db", 8, 80);
  });

  it("to its container also in another one's cgroup, from which it has escaped", () => {
    expect(registry.membershipOf(place([8], 11, 70))).toEqual(escaped("web/1"));
    expect(registry.membershipOf(place([9, 7], 11, 80))).toEqual(escaped("db/2"));
  });

  it("to its container also in a cgroup of the host", () => {
    expect(registry.membershipOf(place([99], 1, 70))).toEqual(escaped("web/1"));
    expect(registry.membershipOf(place([], 1, 70))).toEqual(escaped("web/1"));
  });

  it("to the container around the pid namespace that it has made", () => {
    const deeper = { ...place([7], 11, 71), pidAncestors: [70, 71] };
    expect(ownerOf(deeper)).toBe("web/1");
    expect(registry.membershipOf({ ...deeper, cgroups: [8] })).toEqual(escaped("web/1"));
    const deepest = { ...deeper, pidNamespace: 79, pidAncestors: [70, 71, 72, 73] };
    expect(ownerOf(deepest)).toBe("web/1");
  });

  it("to nobody known in another one's cgroup when no container has it: never to the one whose cgroup it is", () => {
    expect(registry.membershipOf(place([7], 11, 555))).toBeNull();
    expect(registry.isRegistered(place([7], 11, 555))).toBe(true);
    expect(registry.isRegistered(place([6], 11, 555))).toBe(false);
  });

  it("to the one of a cgroup whose pid namespace lies below the reported ones", () => {
    const unknown = { ...place([7], 11, 79), pidAncestors: [1001, 1002, 1003, 1004] };
    expect(ownerOf(unknown)).toBe("web/1");
  });

  it("to a container in the host's pid namespace by the cgroup alone, whatever it makes below", () => {
    openIn("agent", 9, HOST.pidNamespace);
    expect(ownerOf(place([9], 11, HOST.pidNamespace))).toBe("agent/3");
    expect(ownerOf(place([9], 11, 555))).toBe("agent/3");
    expect(registry.membershipOf(place([9], 11, 70))).toEqual(escaped("web/1"));
  });

  it("to the containers of a pod that share one, of which any may have escaped", () => {
    openIn("side", 9, 70);
    expect(ownerOf(place([7], 11, 70))).toBe("web/1");
    expect(ownerOf(place([9], 11, 70))).toBe("side/3");
    expect(registry.membershipOf(place([8], 11, 70))).toEqual(escaped("web/1", "side/3"));
  });

  it("to what was discovered, in which other cgroup it may be", () => {
    openIn("cgroup-9", 9, 90, false);
    expect(ownerOf(place([95], 11, 90))).toBe("cgroup-9/3");
    expect(registry.membershipOf(place([8], 11, 90))).toEqual(escaped("cgroup-9/3"));
  });

  it("to whoever has its number now", () => {
    const close = registry.closing("web", "poststop");
    if (close !== null) registry.learn(close);
    expect(ownerOf(place([7], 11, 70))).toBe("web/1");
    expect(registry.membershipOf(place([99], 11, 70))).toBeNull();
    openIn("cgroup-9", 9, 70, false);
    openIn("new", 10, 70);
    expect(registry.membershipOf(place([99], 11, 70))).toEqual(escaped("new/4"));
  });

  it("when its events are lost, too", () => {
    const lossOf = (cgroup: number, pidNamespace: number) =>
      registry.ownersOfLoss({ cgroup, pidNamespace });
    expect(lossOf(7, 70)).toEqual(["web/1"]);
    expect(lossOf(7, HOST.pidNamespace)).toEqual(["web/1"]);
    expect(lossOf(8, 70)).toEqual(["web/1"]);
    expect(lossOf(99, 70)).toEqual(["web/1"]);
    expect(lossOf(99, 0)).toEqual([]);
    expect(lossOf(99, 555)).toEqual([]);
    openIn("side", 9, 70);
    expect(lossOf(99, 70)).toEqual(["web/1", "side/3"]);
    for (const container of ["web", "side"]) {
      const close = registry.closing(container, "poststop");
      if (close !== null) registry.learn(close);
    }
    expect(lossOf(99, 70)).toEqual(["side/3"]);
  });

  it("to what was discovered in the cgroup of another", () => {
    openIn("pid-90", 0, 90, false);
    expect(registry.isRegistered(place([0]))).toBe(false);
    expect(ownerOf(place([95], 11, 90))).toBe("pid-90/3");
  });
});

it("knows after a restart what the log says", () => {
  const events = [open("web", 7), execution("web/1"), open("db", 8)];
  const close = registry.closing("db", "poststop");
  if (close === null) throw new Error("db is open");
  registry = newRegistry();
  for (const event of [...events, close]) registry.learn(event);
  expect(ownerOf(place([7]))).toBe("web/1");
  expect(registry.closing("web", "x")).toMatchObject({ executions: 1 });
  expect(registry.closing("db", "x")).toBeNull();
  expect(registry.ownersOfLoss({ cgroup: 8, pidNamespace: 0 })).toEqual(["db/2"]);
  expect(registry.opening(declaration("new", 9)).ns).toBe("new/3");
});
