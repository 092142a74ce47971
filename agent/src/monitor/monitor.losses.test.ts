// SPDX-License-Identifier: Apache-2.0

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { declaration, replayedEvidence, storyOf, WEB } from "../../test/monitor-story.ts";
import { HOST, NodeBench, type Running } from "../../test/node-bench.ts";
import type { EvidenceParts } from "./monitor.ts";

let node: NodeBench;
let running: Running;

beforeEach(async () => {
  node = new NodeBench();
  running = await node.start();
});

afterEach(() => node.remove());

const story = (): string[] => storyOf(node);
const expectReplays = (): Promise<EvidenceParts> => replayedEvidence(running.monitor);

describe("what the kernel could not deliver", () => {
  it("or delivered as something else is everybody's gap, and what stands around it is kept", async () => {
    node.see({ ...HOST, path: "/bin/before" });
    node.kernel.send(Uint8Array.of(1, 2, 3));
    node.see({ ...HOST, path: "/bin/behind" });
    await expectReplays();
    expect(story()).toEqual([
      "exec host /bin/before",
      "exec host /bin/behind",
      "gap host unreadable-event 1",
      "mark host 1",
    ]);
  });

  it("while a mark was made may be about entries behind it", async () => {
    const { hostList } = running;
    const readToEnd = hostList.readToEnd.bind(hostList);
    hostList.readToEnd = () => {
      hostList.readToEnd = readToEnd;
      const entries = readToEnd();
      node.misses = 1;
      return entries;
    };
    await expectReplays();
    node.measure("/bin/behind");
    await expectReplays();
    node.measure("/bin/later");
    await expectReplays();
    expect(story()).toEqual([
      "gap host recursion-miss 1",
      "mark host 1",
      "gap host recursion-miss 0",
      "mark host 2",
      "mark host 3",
    ]);
  });

  it("of a container while a mark was made is no gap of anybody else: it could flood without a pause", async () => {
    running.monitor.open(declaration());
    const { hostList } = running;
    const readToEnd = hostList.readToEnd.bind(hostList);
    hostList.readToEnd = () => {
      node.lose(WEB, 1);
      return readToEnd();
    };
    await expectReplays();
    hostList.readToEnd = readToEnd;
    for (let n = 0; n < 3; n++) await expectReplays();
    expect(story().filter((line) => line.startsWith("gap"))).toEqual([
      "gap web/1 ring-overflow 1",
      "gap web/1 ring-overflow 0",
      "gap web/1 ring-overflow 1",
    ]);
  });

  it("is a gap before the mark, and may come again", async () => {
    running.monitor.open(declaration());
    node.lose(WEB, 3);
    node.lose(1234, 2);
    node.misses = 1;
    await expectReplays();
    expect(story()).toEqual([
      "ns-open web/1",
      "gap web/1 ring-overflow 3",
      "gap host ring-overflow 2",
      "gap host recursion-miss 1",
      "mark host 1",
    ]);
    expect(node.forgotten).toBe(1);
    await expectReplays();
    expect(node.forgotten).toBe(1);
  });

  it("while no monitor ran is found by the next one", async () => {
    running.monitor.open(declaration());
    node.lose(WEB, 3);
    await expectReplays();
    node.kill();
    node.lose(WEB, 4);
    running = await node.start();
    await expectReplays();
    expect(story().filter((line) => line.startsWith("gap"))).toEqual([
      "gap web/1 ring-overflow 3",
      "gap web/1 ring-overflow 4",
    ]);
  });
});
