// SPDX-License-Identifier: Apache-2.0

import { mkdirSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import type { KernelFolders } from "../src/monitor/registry/process.ts";

/** What `/proc` says of a process. */
export interface FakeProcess {
  /** Content of its `cgroup` file, or the path of its cgroup v2. */
  readonly cgroup?: string;
  readonly mnt?: number | string;
  readonly pid?: number | string;
  readonly user?: number | string;
}

/** The host's own namespaces, which process 1 stands in. */
export const HOST_NAMESPACES: {
  readonly mnt: number;
  readonly pid: number;
  readonly user: number;
} = { mnt: 4026531841, pid: 4026531836, user: 4026531837 };

/** A `/proc` and a cgroup file system in a folder. */
export class FakeKernelFolders implements KernelFolders {
  readonly proc: string;
  readonly cgroup: string;

  constructor(folder: string) {
    this.proc = `${folder}/proc`;
    this.cgroup = `${folder}/cgroup`;
    mkdirSync(this.cgroup);
    this.start(1, { cgroup: "0::/\n" });
  }

  /** Stands in the host's namespaces unless told otherwise. */
  start(pid: number, process: FakeProcess): void {
    const { cgroup = "/", ...namespaces } = process;
    mkdirSync(`${this.proc}/${pid}/ns`, { recursive: true });
    if (cgroup.startsWith("/")) mkdirSync(`${this.cgroup}${cgroup}`, { recursive: true });
    writeFileSync(
      `${this.proc}/${pid}/cgroup`,
      cgroup.startsWith("/") ? `1:name=systemd:/x\n0::${cgroup}\n` : cgroup,
    );
    for (const [kind, id] of Object.entries({ ...HOST_NAMESPACES, ...namespaces })) {
      const target = typeof id === "number" ? `${kind}:[${id}]` : id;
      symlinkSync(target, `${this.proc}/${pid}/ns/${kind}`);
    }
  }

  /** Id of a cgroup, as the kernel's events name it. */
  idOf(cgroup: string): number {
    return statSync(`${this.cgroup}${cgroup}`).ino;
  }
}
