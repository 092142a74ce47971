// SPDX-License-Identifier: Apache-2.0

import { parentPort, workerData } from "node:worker_threads";
import { fuzz } from "./engine/fuzz.ts";
import { readKnownCodes } from "./engine/known-codes.ts";
import { Random } from "./engine/random.ts";
import { SharedInput } from "./engine/shared-input.ts";
import { threadClock } from "./engine/thread-clock.ts";
import { TARGETS } from "./targets/all.ts";

/** What a worker is told. */
export interface WorkerTask {
  readonly root: string;
  readonly name: string;
  readonly seed: number;
  readonly seconds: number;
  readonly memory: SharedArrayBuffer;
}

const { root, name, seed, seconds, memory } = workerData as WorkerTask;
const target = TARGETS.get(name)?.(root);
if (!target) throw new Error(`no target ${name}`);
const shared = new SharedInput(memory);
const end = performance.now() + 1000 * seconds;
const report = fuzz(target, {
  random: new Random(seed),
  codes: readKnownCodes(root),
  clock: threadClock(),
  isOver: () => performance.now() >= end,
  before: (input) => shared.begin(input),
  after: () => shared.end(),
});
parentPort?.postMessage(report);
