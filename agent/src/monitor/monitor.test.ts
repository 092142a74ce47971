// SPDX-License-Identifier: Apache-2.0

import { execFileSync } from "node:child_process";
import { statSync } from "node:fs";
import { EventFlag, IMA_PCR, type NamespaceEvent, parseMeasurementList } from "@nsattest/ns-ima";
import { decodeEvent } from "@nsattest/protocol";
import { BOOT_PCRS } from "@nsattest/tpm";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { declaration, replayedEvidence, storyOf, WEB, wanted } from "../../test/monitor-story.ts";
import { HOST, NodeBench, type Running } from "../../test/node-bench.ts";
import { ringRecord } from "../../test/ring-record.ts";
import { ANCHOR_PCR, type MonitorTpm } from "./anchor/tpm-port.ts";
import type { EvidenceParts } from "./monitor.ts";

let node: NodeBench;
let running: Running;

beforeEach(async () => {
  node = new NodeBench();
  running = await node.start();
});

afterEach(() => node.remove());

/** What the log says after its beginning. */
function told(): NamespaceEvent[] {
  return node.events().slice(1);
}

const story = (): string[] => storyOf(node);
const expectReplays = (): Promise<EvidenceParts> => replayedEvidence(running.monitor);

async function restart(): Promise<void> {
  node.kill();
  running = await node.start();
}

describe("what the kernel saw", () => {
  it("is in the log before the kernel may forget it", () => {
    running.monitor.open(declaration());
    node.see({ path: "/bin/a" });
    node.see({ path: "/lib/b", kind: 2, flags: 8 });
    running.monitor.drain();
    expect(told().slice(1)).toMatchObject([
      { kind: "exec", ns: "web/1", how: "exec", path: "/bin/a", flags: 0 },
      { kind: "exec", ns: "web/1", how: "map", path: "/lib/b", flags: EventFlag.PATH_UNKNOWN },
    ]);
    expect(node.kernel.released()).toBe(node.kernel.reader().producerPosition());
  });

  it("says where the task stood", () => {
    running.monitor.open(declaration());
    node.see({ ...HOST, flags: 4 });
    node.see({ mountNamespace: HOST.mountNamespace, kind: 5 });
    running.monitor.drain();
    const { HOST_MOUNT, HOST_PID, SCRIPT } = EventFlag;
    expect(told().slice(1)).toMatchObject([
      { kind: "exec", flags: HOST_MOUNT | HOST_PID | SCRIPT },
      { kind: "measured", flags: HOST_MOUNT, templateDigest: new Uint8Array(32).fill(0xab) },
    ]);
  });

  it("is the host's in a cgroup that nobody declared, when the task stands in the host's namespaces", () => {
    node.see({ ...HOST, path: "/usr/bin/runc" });
    running.monitor.drain();
    expect(story()).toEqual(["exec host /usr/bin/runc"]);
  });

  it("opens a namespace of its own for a container that nobody declared: never the host's", () => {
    node.see({ path: "/bin/a" });
    node.see({ path: "/bin/b" });
    node.see({ path: "/bin/child", cgroup: 78, ancestors: [5, WEB, 78] });
    node.see({ path: "/bin/other", cgroup: 79, pidNamespace: 103, pidAncestors: [103, 104] });
    running.monitor.drain();
    node.see({ path: "/bin/c" });
    running.monitor.drain();
    expect(story()).toEqual([
      "ns-open cgroup-77/1",
      "exec cgroup-77/1 /bin/a",
      "exec cgroup-77/1 /bin/b",
      "exec cgroup-77/1 /bin/child",
      "ns-open cgroup-79/2",
      "exec cgroup-79/2 /bin/other",
      "exec cgroup-77/1 /bin/c",
    ]);
    expect(told()[0]).toMatchObject({ declared: false, cgroup: WEB, mountNamespace: 101 });
    expect(told()[4]).toMatchObject({ declared: false, cgroup: 79, pidNamespace: 103 });
  });

  it("is taken piece by piece, and what comes meanwhile is left for later", async () => {
    node.kill();
    const ring = node.kernel.reader();
    const release = ring.release.bind(ring);
    ring.release = (position) => {
      release(position);
      node.see({ path: "/bin/meanwhile" });
    };
    running = await node.start(ring);
    for (let n = 0; n < 600; n++) node.see({ path: `/bin/${n}` });
    running.monitor.drain();
    const paths = told().flatMap((event) => (event.kind === "exec" ? event.path : []));
    expect(paths.slice(0, 600)).toEqual(Array.from({ length: 600 }, (_, n) => `/bin/${n}`));
    expect(paths.slice(600)).toEqual(["/bin/meanwhile"]);
  });
});

describe("a container", () => {
  it("is opened after what came before it, and closed after all it did", () => {
    node.see({ ...HOST, path: "/usr/bin/runc" });
    expect(running.monitor.open(declaration())).toBe("web/1");
    node.see({ path: "/bin/a" });
    expect(running.monitor.close("web", "poststop")).toBe(true);
    expect(story()).toEqual([
      "exec host /usr/bin/runc",
      "ns-open web/1",
      "exec web/1 /bin/a",
      "ns-close web/1 poststop",
    ]);
    expect(told()[3]).toMatchObject({ executions: 1 });
    expect(running.monitor.close("web", "poststop")).toBe(false);
  });

  it("whose id is used again gets a new namespace, and the old one ends", () => {
    running.monitor.open(declaration("web", 77));
    const { place, ...again } = declaration("web", 78);
    running.monitor.open({ ...again, place: { ...place, pidNamespace: 103 } });
    node.see({ cgroup: 78, path: "/bin/new", pidNamespace: 103 });
    node.see({ cgroup: 77, path: "/bin/old" });
    running.monitor.drain();
    expect(story()).toEqual([
      "ns-open web/1",
      "ns-close web/1 reopened",
      "ns-open web/2",
      "exec web/2 /bin/new",
      "exec web/1 /bin/old",
    ]);
  });

  it("that ran before anything could be seen has its gap", async () => {
    const places = [77, 78].map((cgroup) => ({ cgroup, mountNamespace: 101, pidNamespace: 102 }));
    running.monitor.openLate(places);
    node.see({ path: "/bin/a" });
    running.monitor.drain();
    expect(story()).toEqual([
      "ns-open cgroup-77/1",
      "gap cgroup-77/1 late-start 0",
      "ns-open cgroup-78/2",
      "gap cgroup-78/2 late-start 0",
      "exec cgroup-77/1 /bin/a",
    ]);
    await expectReplays();
  });

  it("is not looked for again once something else is in the log", async () => {
    expect(running.fresh).toBe(true);
    running.monitor.openLate([]);
    await restart();
    expect(running.fresh).toBe(true);
    running.monitor.open(declaration());
    await restart();
    expect(running.fresh).toBe(false);
  });
});

describe("two containers in one cgroup", () => {
  it("are refused: one would answer for the other", () => {
    running.monitor.open(declaration("web"));
    expect(() => running.monitor.open(declaration("other"))).toThrow(
      expect.objectContaining({ code: "CONTAINER_CGROUP" }),
    );
    expect(story()).toEqual(["ns-open web/1"]);
  });

  it("may follow each other", () => {
    running.monitor.open(declaration("web"));
    running.monitor.close("web", "poststop");
    running.monitor.open(declaration("other"));
    expect(running.log.file.unsealed).not.toHaveLength(0);
  });
});

describe("a mark", () => {
  it("stands behind everything that belongs to the entries below it", async () => {
    const templateDigest = node.measure("/bin/a");
    node.see({ ...HOST, path: "/bin/a" });
    const digest = new Uint8Array(64);
    digest.set(templateDigest);
    node.see({ ...HOST, kind: 5, digest });
    await expectReplays();
    expect(story()).toEqual(["exec host /bin/a", "measured host", "mark host 2"]);
  });

  it("is not repeated when nothing has happened", async () => {
    await expectReplays();
    await expectReplays();
    expect(story()).toEqual(["mark host 1"]);
    node.measure("/bin/a");
    await expectReplays();
    running.monitor.open(declaration());
    await expectReplays();
    expect(story()).toEqual(["mark host 1", "mark host 2", "ns-open web/1", "mark host 2"]);
  });

  it("waits for a record that the kernel is still writing", async () => {
    const record = ringRecord({ ...HOST, path: "/bin/slow" });
    const busy = node.kernel.begin(record);
    node.see({ ...HOST, path: "/bin/behind" });
    let turns = 0;
    node.onYield = () => {
      if (++turns === 3) node.kernel.commit(busy, record.length);
    };
    await expectReplays();
    expect(story()).toEqual(["exec host /bin/slow", "exec host /bin/behind", "mark host 1"]);
  });

  it("is not written while that record does not come; evidence is given all the same", async () => {
    node.kernel.begin(ringRecord(HOST));
    node.see({ ...HOST, path: "/bin/behind" });
    node.measure("/bin/behind");
    const { list } = await expectReplays();
    expect(parseMeasurementList(list).entries).toHaveLength(2);
    expect(story()).toEqual([]);
  });

  it("covers an entry that became visible just before the list was read", async () => {
    const { hostList } = running;
    const readToEnd = hostList.readToEnd.bind(hostList);
    hostList.readToEnd = () => {
      hostList.readToEnd = readToEnd;
      node.see({ ...HOST, path: "/bin/late" });
      node.measure("/bin/late");
      return readToEnd();
    };
    await expectReplays();
    expect(story()).toEqual(["exec host /bin/late", "mark host 2"]);
  });

  it("does not wait for what came after the list was read", async () => {
    node.onYield = () => {
      throw new Error("nothing is to be waited for");
    };
    await expectReplays();
    node.see(HOST);
    await expectReplays();
    expect(story()).toEqual(["mark host 1", "exec host /bin/x", "mark host 1"]);
  });
});

describe("evidence", () => {
  it("begins where the verifier asks", async () => {
    node.measure("/bin/a");
    await expectReplays();
    const known = (await expectReplays()).list.length;
    node.measure("/bin/b");
    running.monitor.open(declaration());
    const { list, batches } = await running.monitor.evidence(wanted(known, 1));
    expect(parseMeasurementList(list).entries).toMatchObject([{ path: "/bin/b" }]);
    expect(batches.flat().map(({ event }) => decodeEvent(event))).toMatchObject([
      { kind: "ns-open" },
      { kind: "mark", index: 3 },
    ]);
    expect((await running.monitor.evidence(wanted(known, 9))).batches).toEqual([]);
  });

  it("has the log of the boot when that is asked for, and null where the kernel has none", async () => {
    const asked = { ...wanted(0, 0), bootLog: true };
    expect((await running.monitor.evidence(asked)).bootLog).toBeNull();
    node.bootLog = Uint8Array.of(1, 2, 3);
    expect((await running.monitor.evidence(asked)).bootLog).toEqual(node.bootLog);
    expect((await running.monitor.evidence(wanted(0, 0))).bootLog).toBeNull();
  });

  it.each<[string, readonly number[]]>([
    ["of the list and the log", [IMA_PCR, ANCHOR_PCR]],
    ["of the boot as well", [...BOOT_PCRS, IMA_PCR, ANCHOR_PCR]],
  ])("replays the list into its own PCR only when PCRs %s move", async (_, pcrs) => {
    const recalled: number[][] = [];
    const quote = node.tpm.quote.bind(node.tpm);
    const moving: Pick<MonitorTpm, "quote"> = node.tpm;
    moving.quote = async (nonce, selection, recall) => {
      recall((list) => recalled.push([...list.keys()]) > 0);
      return quote(nonce, selection);
    };
    await running.monitor.evidence({ ...wanted(0, 0), pcrs });
    expect(recalled).toEqual([[IMA_PCR]]);
  });

  it("is refused beyond the list's end, and the monitor goes on", async () => {
    await expect(running.monitor.evidence(wanted(1 << 20, 0))).rejects.toMatchObject({
      code: "LIST_SHRANK",
    });
    await expectReplays();
  });

  it("holds what was appended while the chip signed", async () => {
    const quote = node.tpm.quote.bind(node.tpm);
    node.tpm.quote = async (...args) => {
      const signed = await quote(...args);
      node.measure("/bin/meanwhile");
      return signed;
    };
    const { list } = await expectReplays();
    expect(parseMeasurementList(list).entries).toHaveLength(2);
  });

  it("has no extend between its batches and its quote, however much is asked for at once", async () => {
    const evidence = Array.from({ length: 4 }, async (_, n) => {
      running.monitor.open(declaration(`c${n}`, 100 + n));
      const flushed = running.monitor.flush();
      await expectReplays();
      await flushed;
    });
    await Promise.all(evidence);
    expect(told().filter(({ kind }) => kind === "ns-open")).toHaveLength(4);
  });

  it("fails as a whole when the chip does, and the next one is good", async () => {
    node.tpm.nextExtend = "fails undone";
    await expect(running.monitor.evidence(wanted(0, 0))).rejects.toMatchObject({
      code: "DEVICE_IO",
    });
    await expectReplays();
  });
});

describe("a disk that is full", () => {
  const limitFiles = (bytes: number | "unlimited"): void => {
    execFileSync("prlimit", ["--pid", String(process.pid), `--fsize=${bytes}:`]);
  };
  const full = expect.objectContaining({ code: "LOG_IO" });

  afterEach(() => limitFiles("unlimited"));

  it("releases nothing and opens nothing; all of it comes later", async () => {
    for (let n = 0; n < 20; n++) node.see({ ...HOST, path: `/bin/${n}` });
    limitFiles(statSync(node.logPath).size + 1000);
    expect(() => running.monitor.drain()).toThrow(full);
    expect(() => running.monitor.open(declaration())).toThrow(full);
    expect(node.kernel.released()).toBe(0);
    limitFiles("unlimited");
    expect(running.monitor.open(declaration())).toBe("web/1");
    await expectReplays();
    const executions = Array.from({ length: 20 }, (_, n) => `exec host /bin/${n}`);
    expect(story()).toEqual([...executions, "ns-open web/1", "mark host 1"]);
  });

  it("opens no namespace by halves", async () => {
    const size = statSync(node.logPath).size;
    limitFiles(size + 50);
    expect(() => running.monitor.open(declaration())).toThrow(full);
    limitFiles("unlimited");
    await restart();
    expect(story()).toEqual([]);
    expect(running.monitor.close("web", "poststop")).toBe(false);
  });
});
