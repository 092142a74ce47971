// SPDX-License-Identifier: Apache-2.0

import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { compileProgram } from "@nsattest/lab";
import { HOOK_REQUEST_MAX } from "@nsattest/protocol";
import { serveFrames } from "../../agent/src/monitor/serve/frame-server.ts";
import { answerHook } from "../../agent/src/monitor/serve/hook-requests.ts";
import { FakeKernelFolders } from "../../agent/test/fake-kernel-folders.ts";
import { NodeBench } from "../../agent/test/node-bench.ts";
import { alternate } from "./measure.ts";
import { CACHE, ROOT } from "./project.ts";
import type { Benchmark } from "./result.ts";

const SPAWNS = 100;
const PID = 50;

/** The hook with the monitor's own code at the other end, its log on a real file; kernel and TPM are those of its unit tests. */
export const hook: Benchmark = {
  name: "hook",
  says: "the hook from start to end, monitor up, against a static program that does nothing",
  async run(note) {
    const folder = mkdtempSync(join(tmpdir(), "nsattest-bench-"));
    const node = new NodeBench();
    const socket = join(folder, "hook.sock");
    try {
      const kernel = new FakeKernelFolders(folder);
      kernel.start(PID, { cgroup: "/web", mnt: 7, pid: 8 });
      const state = containerState(folder);
      const { monitor } = await node.start();
      const server = await serveFrames({
        path: socket,
        mode: 0o600,
        maxRequestBytes: HOOK_REQUEST_MAX,
        maxConnections: 16,
        idleMilliseconds: 10_000,
        answer: async (payload) => answerHook(monitor, kernel, payload),
        onBadPeer: (error) => note(String(error)),
      });
      try {
        const spawn = await spawner(state);
        const nothing = await compileProgram(join(ROOT, "test/bench/native/nothing.c"), CACHE);
        const program = join(ROOT, "dist/hook/nsattest-hook");
        const owner = String(process.getuid?.());
        const [bare = 0, whole = 0] = await alternate([
          { name: "nothing", run: () => spawn([nothing]) },
          { name: "hook", run: () => spawn([program, "--socket", socket, "--owner", owner]) },
        ]);
        note(`nothing ${micros(bare)} us, hook ${micros(whole)} us`);
        return [
          {
            name: "hook",
            ratio: whole / bare,
            target: 1.5,
            direction: "max",
            fractionOfLimit: bare / whole,
          },
        ];
      } finally {
        server.close();
      }
    } finally {
      node.remove();
      rmSync(folder, { recursive: true });
    }
  },
};

/** What a runtime gives to the hook, in a file. */
function containerState(folder: string): string {
  const bundle = join(folder, "bundle");
  mkdirSync(bundle);
  writeFileSync(join(bundle, "config.json"), "{}");
  const path = join(folder, "state.json");
  const state = { ociVersion: "1.0.2", id: "web", status: "creating", pid: PID, bundle };
  writeFileSync(path, JSON.stringify(state));
  return path;
}

/** Median nanoseconds of a program's run: by a small program, for Node takes longer to start one than the hook lives. */
async function spawner(input: string): Promise<(command: readonly string[]) => Promise<number>> {
  const loop = await compileProgram(join(ROOT, "test/bench/native/spawn-loop.c"), CACHE);
  return async (command) => {
    const args = [String(SPAWNS), input, ...command, "createRuntime", "poststop"];
    const { stdout } = await promisify(execFile)(loop, args);
    return Number(stdout);
  };
}

function micros(ns: number): string {
  return (ns / 1000).toFixed(0);
}
