// SPDX-License-Identifier: Apache-2.0

import { setImmediate } from "node:timers/promises";
import { encodeEvidence } from "@nsattest/protocol";
import { EMPTY_STATE, type NodeState } from "../../verifier/src/pipeline.ts";
import { AK, appraiseAffirming } from "./appraisal.ts";
import { BenchNode, counted } from "./bench-node.ts";
import { IMAGE, named, policiesFor, systemFiles } from "./files.ts";
import type { Benchmark } from "./result.ts";

const NODES = 200;
const ENTRIES = 1_000;
const NAMESPACES = 20;
const EXECUTIONS = 5;
const TARGET = 50 * 1024;
/** What cannot be left out: which content stands at each place of the list, and what each namespace executed. */
const LIMIT = 4 * (ENTRIES + NAMESPACES * EXECUTIONS);

/** What the verifier holds in memory for a node that has nothing new to say. */
export const nodeMemory: Benchmark = {
  name: "node-memory",
  says: `memory for a node with ${ENTRIES} entries and ${NAMESPACES} containers of ${EXECUTIONS} executions, against 50 KiB`,
  async run(note) {
    const host = systemFiles(ENTRIES - EXECUTIONS);
    const programs = Array.from({ length: EXECUTIONS }, (_, index) =>
      named(`/usr/bin/program-${index}`, `program ${index}`),
    );
    const policies = policiesFor(host, programs);
    // One node first: what nodes share is not one node's.
    const states: NodeState[] = [appraised()];
    const before = await heap();
    for (let n = 0; n < NODES; n++) states.push(appraised());
    const bytes = ((await heap()) - before) / NODES;
    note(`${(bytes / 1024).toFixed(1)} KiB a node, ${states.length} nodes`);
    return [
      {
        name: "node-memory",
        ratio: bytes / TARGET,
        target: 1,
        direction: "max",
        fractionOfLimit: LIMIT / bytes,
      },
    ];

    function appraised(): NodeState {
      const node = new BenchNode(AK);
      for (const file of host) node.measure(file);
      node.startLog();
      for (let index = 0; index < NAMESPACES; index++) {
        const ns = node.open(`web-${index}`, IMAGE);
        for (const file of programs) {
          if (index === 0) node.run(ns, file);
          else node.execute(ns, file);
        }
      }
      node.mark();
      const first = appraiseAffirming(
        EMPTY_STATE,
        encodeEvidence(node.news(counted(1, 32))),
        policies,
      );
      // And one without news, as all that follow.
      node.mark();
      return appraiseAffirming(first, encodeEvidence(node.news(counted(2, 32))), policies);
    }
  },
};

/** Bytes in use after a collection: of the heap, and of buffers outside it. */
async function heap(): Promise<number> {
  const { gc } = globalThis;
  if (!gc) throw new Error("node-memory needs node --expose-gc");
  // Twice with a turn between them: finalizers of external memory run late.
  for (let n = 0; n < 2; n++) {
    gc();
    await setImmediate();
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
