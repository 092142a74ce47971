// SPDX-License-Identifier: Apache-2.0

import { EventFlag, type NamespaceEvent } from "@nsattest/ns-ima";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { declaration, storyOf } from "../../../test/monitor-story.ts";
import { HOST, NodeBench, type Running } from "../../../test/node-bench.ts";

let node: NodeBench;
let running: Running;

beforeEach(async () => {
  node = new NodeBench();
  running = await node.start();
});

afterEach(() => node.remove());

const told = (): NamespaceEvent[] => node.events().slice(1);
const story = (): string[] => storyOf(node);

async function restart(): Promise<void> {
  node.kill();
  running = await node.start();
}

describe("an escape", () => {
  const DB = {
    ...declaration("db", 78),
    place: { ...declaration("db", 78).place, pidNamespace: 103 },
  };

  beforeEach(() => {
    running.monitor.open(declaration());
    running.monitor.open(DB);
  });

  it("into another container's cgroup is told of whoever did it, and of nobody else", () => {
    node.see({ cgroup: 78, path: "/bin/a" });
    node.see({ cgroup: 78, kind: 5, path: "" });
    running.monitor.drain();
    const { ESCAPED } = EventFlag;
    expect(told().slice(2)).toMatchObject([
      { kind: "exec", ns: "web/1", path: "/bin/a", flags: ESCAPED },
      { kind: "measured", ns: "web/1", flags: ESCAPED },
    ]);
  });

  it("of nobody known is told of a namespace of its own", () => {
    node.see({ cgroup: 78, path: "/bin/a", pidNamespace: 199, pidAncestors: [198, 199] });
    node.see({ cgroup: 78, path: "/bin/b", pidNamespace: 198, pidAncestors: [198] });
    running.monitor.drain();
    node.see({ cgroup: 78, path: "/bin/c", pidNamespace: 198, pidAncestors: [198] });
    node.see({ cgroup: 78, path: "/bin/d", pidNamespace: 103, pidAncestors: [103] });
    running.monitor.drain();
    expect(story().slice(2)).toEqual([
      "ns-open pid-198/3",
      "exec pid-198/3 /bin/a",
      "exec pid-198/3 /bin/b",
      "exec pid-198/3 /bin/c",
      "exec db/2 /bin/d",
    ]);
  });
});

describe("a rewrite", () => {
  const EXEC = { path: "/vol/tool", file: 7 };
  const REWRITE = { ...EXEC, kind: 6 };
  const { OTHERS_CODE, PATH_UNKNOWN, HOST_MOUNT, HOST_PID } = EventFlag;
  /** Who is told, and how. */
  const rewrites = (): unknown[] =>
    told().flatMap((event) =>
      event.kind === "exec" && event.how === "rewrite" ? [[event.ns, event.flags]] : [],
    );

  beforeEach(() => {
    running.monitor.open(declaration("web", 77));
    running.monitor.open(declaration("db", 78));
  });

  it("is told of everybody whose code it was", () => {
    node.see({ ...EXEC, cgroup: 77 });
    node.see({ ...EXEC, cgroup: 78, kind: 2 });
    node.see({ ...REWRITE, cgroup: 77 });
    running.monitor.drain();
    expect(rewrites()).toEqual([
      ["web/1", 0],
      ["db/2", 0],
    ]);
  });

  it("of what only others executed says so of who did it", () => {
    node.see({ ...EXEC, cgroup: 78 });
    node.see({ ...REWRITE, cgroup: 77, flags: 8 });
    running.monitor.drain();
    expect(rewrites()).toEqual([
      ["web/1", OTHERS_CODE | PATH_UNKNOWN],
      ["db/2", PATH_UNKNOWN],
    ]);
  });

  it("of the host's code is held against who did it, and is told of nobody else", () => {
    node.see({ ...HOST, ...EXEC, cgroup: 9 });
    node.see({ ...REWRITE, cgroup: 77 });
    running.monitor.drain();
    expect(rewrites()).toEqual([["web/1", 0]]);
  });

  it("by the host is told of those who run it", () => {
    node.see({ ...EXEC, cgroup: 78 });
    node.see({ ...HOST, ...REWRITE, cgroup: 9 });
    running.monitor.drain();
    expect(rewrites()).toEqual([
      ["host", HOST_MOUNT | HOST_PID],
      ["db/2", 0],
    ]);
  });

  it("after a restart is told of those who executed it before, unless they have ended", async () => {
    node.see({ ...EXEC, cgroup: 77 });
    node.see({ ...EXEC, cgroup: 78 });
    running.monitor.close("db", "poststop");
    await restart();
    node.see({ ...REWRITE, cgroup: 77 });
    running.monitor.drain();
    expect(rewrites()).toEqual([["web/1", 0]]);
  });
});
