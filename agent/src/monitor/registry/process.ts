// SPDX-License-Identifier: Apache-2.0

import { readFileSync, readlinkSync, statSync } from "node:fs";
import { AgentError } from "../../error.ts";

/** Ids by which the kernel's events name a process's surroundings. */
export interface ProcessPlace {
  readonly cgroup: number;
  readonly mountNamespace: number;
  readonly pidNamespace: number;
}

/** The folders the kernel speaks through; arguments so that tests can stand them up elsewhere. */
export interface KernelFolders {
  readonly proc: string;
  readonly cgroup: string;
}

export const KERNEL_FOLDERS: KernelFolders = { proc: "/proc", cgroup: "/sys/fs/cgroup" };

/**
 * Where a process stands. Needs CAP_SYS_PTRACE for processes of others. A process id can be reused: callers ask while they know that
 * it lives (a runtime waits for its hook).
 *
 * @throws AgentError `CONTAINER_PROCESS` when it is gone or not readable, `CONTAINER_CGROUP` without a cgroup v2 of its own
 */
export function placeOf(pid: number, folders: KernelFolders = KERNEL_FOLDERS): ProcessPlace {
  try {
    const cgroups = readFileSync(`${folders.proc}/${pid}/cgroup`, "utf8");
    return {
      cgroup: cgroupId(cgroups, pid, folders),
      mountNamespace: namespaceId(pid, "mnt", folders),
      pidNamespace: namespaceId(pid, "pid", folders),
    };
  } catch (error) {
    if (error instanceof AgentError) throw error;
    throw new AgentError("CONTAINER_PROCESS", `cannot read process ${pid} in ${folders.proc}`, {
      cause: error,
    });
  }
}

/** A kind of namespace, by its name in `/proc/<pid>/ns`. */
export type NamespaceKind = "mnt" | "pid" | "user";

const KINDS: readonly NamespaceKind[] = ["mnt", "pid", "user"];

/**
 * Namespaces that a process shares with the host's first one: the kernel's word, whatever a configuration says. What cannot be read counts
 * as shared; so does what the kernel does not have.
 */
export function hostNamespacesOf(
  pid: number,
  folders: KernelFolders = KERNEL_FOLDERS,
): NamespaceKind[] {
  return KINDS.filter((kind) => {
    try {
      return namespaceId(pid, kind, folders) === namespaceId(1, kind, folders);
    } catch {
      return true;
    }
  });
}

/** Inode number of a process's namespace, which is what the kernel's `ns.inum` is. */
export function namespaceId(pid: number, kind: NamespaceKind, folders: KernelFolders): number {
  const link = readlinkSync(`${folders.proc}/${pid}/ns/${kind}`);
  const id = /^[a-z]+:\[(\d{1,10})\]$/.exec(link)?.[1];
  if (id === undefined)
    throw new AgentError("CONTAINER_PROCESS", `process ${pid}: namespace link ${link}`);
  return Number(id);
}

/** On 64-bit kernels the id of a cgroup is the inode number of its folder (fs/kernfs). */
function cgroupId(cgroups: string, pid: number, folders: KernelFolders): number {
  const path = /^0::(\/[^\n]*)$/m.exec(cgroups)?.[1];
  if (path === undefined || path === "/" || path.split("/").includes("..")) {
    throw new AgentError(
      "CONTAINER_CGROUP",
      `process ${pid} is in the cgroup ${JSON.stringify(path ?? null)}: a container needs a cgroup v2 of its own`,
    );
  }
  return statSync(`${folders.cgroup}${path}`).ino;
}
