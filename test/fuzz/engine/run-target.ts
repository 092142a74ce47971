// SPDX-License-Identifier: Apache-2.0

import { Worker } from "node:worker_threads";
import type { FuzzReport } from "./fuzz.ts";
import { HANG_MAX, HEAP_MAX_MIB } from "./limits.ts";
import { SharedInput } from "./shared-input.ts";

/** What a target is run with. */
export interface TargetRun {
  readonly root: string;
  readonly name: string;
  readonly seed: number;
  readonly seconds: number;
}

/** No target has longer inputs. */
const INPUT_MAX = 2 * 1024 * 1024;
const LOOKS_PER_HANG = 20;

/**
 * Runs one target in a thread of its own and watches it: an input that does not end, or that brings the thread down, is
 * a finding like any other.
 *
 * @param worker file that the thread runs
 */
export function runTarget(run: TargetRun, worker: URL): Promise<FuzzReport> {
  const shared = SharedInput.for(INPUT_MAX);
  const thread = new Worker(worker, {
    workerData: { ...run, memory: shared.memory },
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MAX_MIB },
  });
  return new Promise((resolve) => {
    const broken = (fault: string): void => {
      const findings = [{ fault, input: shared.input }];
      resolve({ inputs: shared.step >> 1, behaviours: 0, findings });
    };
    let step = -1;
    let looks = 0;
    const watch = setInterval(() => {
      looks = shared.isBusy && shared.step === step ? looks + 1 : 0;
      step = shared.step;
      if (looks < LOOKS_PER_HANG) return;
      broken(`does not end within ${HANG_MAX} ms`);
      void thread.terminate();
    }, HANG_MAX / LOOKS_PER_HANG);
    thread.on("message", resolve);
    thread.on("error", (error) => broken(`brings the process down: ${error.stack ?? error}`));
    thread.on("exit", () => {
      clearInterval(watch);
      // Does nothing after a report.
      broken("ends the process");
    });
  });
}
