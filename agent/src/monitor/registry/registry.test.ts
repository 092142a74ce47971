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
  return { cgroups, mountNamespace, pidNamespace, pidAncestors: [], process: 4321 };
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
    expect(registry.namespaceOf(place([7]))).toBeNull();
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
    expect(registry.namespaceOf(onHost([7]))).toBe(ns);
    expect(registry.cgroupOwner(7)).toBe(ns);
  });
});

describe("a task belongs", () => {
  it("to the innermost namespace of the cgroups above it", () => {
    open("pod", 5);
    open("web", 7);
    expect(registry.namespaceOf(place([70, 7, 5]))).toBe("web/2");
    expect(registry.namespaceOf(place([6, 5]))).toBe("pod/1");
  });

  it("to the host when no cgroup says otherwise and it stands in both of the host's namespaces", () => {
    expect(registry.namespaceOf(onHost([99, 98]))).toBe("host");
    expect(registry.namespaceOf(onHost([]))).toBe("host");
  });

  it.each([
    ["mount namespace", place([99], 11, 2)],
    ["pid namespace", place([99], 1, 12)],
    ["mount and pid namespace", place([99])],
  ])("to nobody known in a foreign %s", (_, foreign) => {
    expect(registry.namespaceOf(foreign)).toBeNull();
  });

  it("to a declared container also in the host's namespaces: whether it is the runtime is judged by its digest", () => {
    open("web", 7);
    expect(registry.namespaceOf(onHost([7]))).toBe("web/1");
  });

  it("to the host in a cgroup nobody declared: one task of a login session must not take the others with it", () => {
    open("cgroup-7", 7, false);
    expect(registry.namespaceOf(place([7]))).toBe("cgroup-7/1");
    expect(registry.namespaceOf(place([7], 11, 2))).toBe("cgroup-7/1");
    expect(registry.namespaceOf(onHost([7]))).toBe("host");
  });

  it("to the declared container around a cgroup nobody declared", () => {
    open("cgroup-70", 70, false);
    open("web", 7);
    expect(registry.namespaceOf(onHost([70, 7]))).toBe("web/2");
    expect(registry.namespaceOf(place([70, 7]))).toBe("cgroup-70/1");
  });

  it("to the container that was declared for a cgroup seen before", () => {
    open("cgroup-7", 7, false);
    open("web", 7);
    expect(registry.namespaceOf(place([7]))).toBe("web/2");
  });
});

it("knows after a restart what the log says", () => {
  const events = [open("web", 7), execution("web/1"), open("db", 8)];
  const close = registry.closing("db", "poststop");
  if (close === null) throw new Error("db is open");
  registry = newRegistry();
  for (const event of [...events, close]) registry.learn(event);
  expect(registry.namespaceOf(place([7]))).toBe("web/1");
  expect(registry.closing("web", "x")).toMatchObject({ executions: 1 });
  expect(registry.closing("db", "x")).toBeNull();
  expect(registry.cgroupOwner(8)).toBe("db/2");
  expect(registry.opening(declaration("new", 9)).ns).toBe("new/3");
});
