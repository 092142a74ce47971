// SPDX-License-Identifier: Apache-2.0

import { readdir } from "node:fs/promises";
import { join } from "node:path";
import {
  bootVm,
  code,
  compileProgram,
  dataFrom,
  executable,
  findArtefacts,
  type Vm,
} from "@nsattest/lab";
import { CACHE, ROOT } from "./project.ts";
import type { Benchmark, Result } from "./result.ts";

const CODE_FOLDER = "/usr/lib/nsattest";
const LIST = "/sys/kernel/security/ima/binary_runtime_measurements";
/** Names of one file: IMA measures its content once, the BPF programs see an execution that is new for each. */
const NAMES = 500;
/** Runs of one name: what is new happens once. */
const REPEATS = 500;

/** An exec in the guest with and without the BPF programs, counted in instructions: the same in every run. */
export const bpfExec: Benchmark = {
  name: "bpf-exec",
  says: "fork, exec and exit under IMA with the BPF programs, against the same without them, in guest instructions",
  async run(note) {
    const artefacts = findArtefacts(ROOT);
    const program = (name: string): Promise<string> =>
      compileProgram(join(ROOT, `test/bench/native/${name}.c`), CACHE);
    const bundles = await readdir(artefacts.node);
    const vm = await bootVm({
      kernel: "6.1",
      cacheDir: CACHE,
      icount: true,
      files: [
        ...bundles.map((name) => code(`${CODE_FOLDER}/${name}`, join(artefacts.node, name))),
        dataFrom(`${CODE_FOLDER}/nsattest.bpf.o`, artefacts.bpfObject),
        executable("/bench/exec-loop", await program("exec-loop")),
        executable("/bench/nothing-0", await program("nothing")),
      ],
    });
    try {
      await vm.check(
        `for n in $(seq 1 ${NAMES - 1}); do ln /bench/nothing-0 /bench/nothing-$n; done`,
      );
      // Everything is in memory, and measured, before anything is counted.
      await costOf(vm, NAMES, NAMES);
      const without = await costs(vm);
      await vm.check(`${CODE_FOLDER}/start-bpf <${LIST}`, { timeout: 300_000 });
      const bound = await costs(vm);
      await expectSeen(vm);
      note(`without: ${show(without)}; with: ${show(bound)}`);
      return [
        result("bpf-exec", bound.fresh, without.fresh, 1.04),
        result("bpf-exec-repeated", bound.repeated, without.repeated, 1.025),
      ];
    } finally {
      await vm.stop();
    }
  },
};

/** Throws unless the log of a monitor that starts now holds every name: programs that see nothing cost nothing. */
async function expectSeen(vm: Vm): Promise<void> {
  const monitor = vm.spawn(`exec ${CODE_FOLDER}/start-monitor 2>&1`);
  await monitor.waitFor("monitor is ready");
  // What the ring holds is read once the monitor is ready.
  const seen = `grep -ao '/bench/nothing-[0-9]*' /run/nsattest/namespace.log | sort -u | wc -l`;
  await vm.check(`until [ "$(${seen})" -eq ${NAMES} ]; do sleep 1; done`, { timeout: 120_000 });
}

interface Costs {
  /** Each execution has a name that was not executed before. */
  readonly fresh: number;
  readonly repeated: number;
}

/** Instructions of one execution. */
async function costs(vm: Vm): Promise<Costs> {
  return { fresh: await costOf(vm, NAMES, NAMES), repeated: await costOf(vm, REPEATS, 1) };
}

async function costOf(vm: Vm, count: number, names: number): Promise<number> {
  const output = await vm.check(`/bench/exec-loop ${count} /bench/nothing- ${names}`, {
    timeout: 300_000,
  });
  return Number(output);
}

function result(name: string, bound: number, without: number, target: number): Result {
  return {
    name,
    ratio: bound / without,
    target,
    direction: "max",
    fractionOfLimit: without / bound,
  };
}

function show({ fresh, repeated }: Costs): string {
  return `${Math.round(fresh / 1000)}k instructions a new execution, ${Math.round(repeated / 1000)}k a repeated one`;
}
