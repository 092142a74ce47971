// SPDX-License-Identifier: Apache-2.0

import { statSync, truncateSync } from "node:fs";
import { EMPTY_LOG, replayLog } from "@nsattest/ns-ima";
import { decodeEvent } from "@nsattest/protocol";
import fc from "fast-check";
import { expect, it } from "vitest";
import { wanted } from "../../test/monitor-story.ts";
import { HOST, NodeBench, type Running } from "../../test/node-bench.ts";
import type { RingReader } from "./source/ring.ts";

/** What the process was about to do when it was killed. */
class Killed extends Error {}

/** The monitor's view of the ring; `killed` is asked before something is given back to the kernel. */
function ringOf(node: NodeBench, killed: () => boolean): RingReader {
  const ring = node.kernel.reader();
  const release = ring.release.bind(ring);
  ring.release = (position) => {
    if (killed()) throw new Killed();
    release(position);
  };
  return ring;
}

const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ see: fc.integer({ min: 1, max: 5 }) }) },
  fc.constantFrom("drain" as const, "evidence" as const, "restart" as const, "open" as const),
  // Killed when the log is written but the ring is not released yet; or while the log was written, after some part of it.
  fc.record({ killWriting: fc.option(fc.double({ min: 0, max: 0.999, noNaN: true })) }),
  fc.record({ killExtending: fc.constantFrom("fails undone" as const, "fails done" as const) }),
);

it("loses nothing and doubles nothing, whenever it is killed", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
      const node = new NodeBench();
      let killed = false;
      let running: Running = await node.start(ringOf(node, () => killed));
      const restart = async (): Promise<void> => {
        node.kill();
        killed = false;
        running = await node.start(ringOf(node, () => killed));
      };
      const seen: string[] = [];
      const opened: string[] = [];
      const see = (): void => {
        seen.push(`/bin/${seen.length}`);
        node.see({ ...HOST, path: seen.at(-1) ?? "" });
      };
      for (const what of steps) {
        if (what === "drain") running.monitor.drain();
        else if (what === "evidence") await running.monitor.evidence(wanted(0, 0));
        else if (what === "restart") await restart();
        else if (what === "open") {
          const containerId = `c${opened.length}`;
          const place = { cgroup: 500 + opened.length, mountNamespace: 101, pidNamespace: 102 };
          const declaration = { containerId, place, runtime: "oci", declared: true } as const;
          opened.push(running.monitor.open({ ...declaration, privileged: [], labels: [] }));
        } else if ("see" in what) for (let n = 0; n < what.see; n++) see();
        else if ("killExtending" in what) {
          see();
          node.tpm.nextExtend = what.killExtending;
          await running.monitor.evidence(wanted(0, 0)).catch(() => undefined);
          await restart();
        } else {
          running.monitor.drain();
          const before = statSync(node.logPath).size;
          for (let n = 0; n < 3; n++) see();
          killed = true;
          expect(() => running.monitor.drain()).toThrow(Killed);
          const written = statSync(node.logPath).size - before;
          node.kill();
          if (what.killWriting !== null) {
            truncateSync(node.logPath, before + Math.floor(what.killWriting * written));
          }
          await restart();
        }
      }
      await restart();
      const { pcrs, batches } = await running.monitor.evidence(wanted(0, 0));
      const anchor = pcrs[1]?.value ?? new Uint8Array(0);
      const { events } = replayLog(EMPTY_LOG, batches, decodeEvent, anchor);
      expect(events.flatMap((event) => (event.kind === "exec" ? event.path : []))).toEqual(seen);
      expect(events.flatMap((event) => (event.kind === "ns-open" ? event.ns : []))).toEqual(opened);
      expect(events.at(-1)).toMatchObject({ kind: "mark" });
      node.remove();
    }),
  );
});
