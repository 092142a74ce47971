// SPDX-License-Identifier: Apache-2.0
import type { Vm } from "@nsattest/lab";
import { memberOffsets } from "./btf.ts";

const TRACING = "/sys/kernel/tracing";
/** Room for each processor, so that nothing is overwritten: a run writes about a fifth of it. */
const BUFFER_KIB = 16_384;

/** A file that became code: the last part of its name, as bytes in Latin-1. */
export interface Code {
  readonly kind: "exec" | "map";
  readonly name: string;
}

/**
 * Who executed what, by the word of the kernel's own tracing (tracefs: probes and the scheduler's events), which shares nothing with
 * what is tested: no program, no map, no cgroup and no pid namespace. A task is a container's when it descends from its first process.
 */
export class Witness {
  readonly #vm: Vm;

  private constructor(vm: Vm) {
    this.#vm = vm;
  }

  /** Begins to look. @throws LabError when the kernel cannot */
  static async start(vm: Vm): Promise<Witness> {
    const offset = memberOffsets(await vm.read("/sys/kernel/btf/vmlinux"), [
      ...["linux_binprm.file", "file.f_path", "path.dentry", "dentry.d_name", "qstr.name"],
    ]);
    const at = (...members: readonly string[]): number =>
      members.reduce((sum, member) => sum + (offset.get(member) ?? 0), 0);
    const dentry = `+${at("file.f_path", "path.dentry")}`;
    const nameOf = (file: string): string =>
      `name=+0(+${at("dentry.d_name", "qstr.name")}(${dentry}(${file}))):string`;
    const probes = [
      // Entered by every format once it has decided to replace the task's program, with the file that will run.
      `p:witness/exec begin_new_exec ${nameOf(`+${at("linux_binprm.file")}(%di)`)}`,
      // Entered with the protection that the mapping will have, whoever asked for which.
      `p:witness/map mmap_region file=%di:u64 flags=%cx:u64 ${nameOf("%di")}`,
    ];
    await vm.check(
      [
        // So that no process id is used again.
        "echo 4194304 > /proc/sys/kernel/pid_max",
        `mount -t tracefs tracefs ${TRACING}`,
        `cd ${TRACING}`,
        `echo ${BUFFER_KIB} > buffer_size_kb`,
        ...probes.map((probe) => `echo '${probe}' >> kprobe_events`),
        "echo 'file != 0 && flags & 4' > events/witness/map/filter",
        "echo 1 > events/sched/sched_process_fork/enable",
        "echo 1 > events/witness/enable",
      ].join(" && "),
    );
    return new Witness(vm);
  }

  /**
   * Ends looking. What was seen, by container.
   *
   * @param firsts process id of each container's first process, as the host has it
   * @throws Error when something was not recorded
   */
  async stop(firsts: ReadonlyMap<string, number>): Promise<ReadonlyMap<string, readonly Code[]>> {
    await this.#vm.check(`echo 0 > ${TRACING}/tracing_on`);
    const unrecorded = await this.#vm
      .check(
        `cd ${TRACING}; grep -hE '^(overrun|commit overrun|dropped events):' per_cpu/*/stats | grep -v ': 0$'; ` +
          "awk '$1 ~ /^(exec|map)$/ && $3 > 0' kprobe_profile",
      )
      .catch(String);
    if (unrecorded.trim() !== "") throw new Error(`the witness missed something: ${unrecorded}`);
    return seenOf((await this.#vm.read(`${TRACING}/trace`)).toString("latin1"), firsts);
  }
}

const RECORD =
  /^[^\n]{1,17}-(\d+) +\[\d+\] [^\n]*?: (exec|map|sched_process_fork): ((?:[^\n]|\n(?![^\n]{1,17}-\d+ +\[))*)/gm;

/** What the text of a trace says. Names in it may be anything, line ends included. */
function seenOf(
  trace: string,
  firsts: ReadonlyMap<string, number>,
): ReadonlyMap<string, readonly Code[]> {
  const containers = new Map([...firsts].map(([id, pid]) => [pid, id]));
  const members = new Map<number, string>();
  const seen = new Map<string, Code[]>([...firsts.keys()].map((id) => [id, []]));
  for (const [, task, kind, text = ""] of trace.matchAll(RECORD)) {
    if (kind === "sched_process_fork") {
      const child = Number(/ child_pid=(\d+)\s*?(?:\n|$)/.exec(text)?.[1]);
      const of = containers.get(child) ?? members.get(Number(task));
      if (of === undefined) members.delete(child);
      else members.set(child, of);
    } else if (kind === "exec" || kind === "map") {
      // What follows is the beginning of the next task's name, if that has a line end.
      const name = / name="(.*)"(?:\n[^"]*)?$/s.exec(text)?.[1];
      if (name === undefined) throw new Error(`not understood: ${kind} ${text}`);
      seen.get(members.get(Number(task)) ?? "")?.push({ kind, name });
    }
  }
  return seen;
}
