// SPDX-License-Identifier: Apache-2.0

import { readdirSync } from "node:fs";
import { AgentError } from "../../error.ts";
import { type KernelFolders, type ProcessPlace, placeOf } from "./process.ts";

/**
 * Processes that run outside the host's pid or mount namespace, one of each cgroup. Seen once, right after the first attach: they
 * ran before anything could be recorded.
 *
 * A process that ends meanwhile is left out; so are kernel threads and processes of the root cgroup, which is nobody's.
 */
export function runningContainers(
  host: Pick<ProcessPlace, "mountNamespace" | "pidNamespace">,
  folders: KernelFolders,
): ProcessPlace[] {
  const found = new Map<number, ProcessPlace>();
  for (const name of readdirSync(folders.proc)) {
    if (!/^\d+$/.test(name)) continue;
    const place = placeOrNull(Number(name), folders);
    if (place === null) continue;
    if (place.mountNamespace === host.mountNamespace && place.pidNamespace === host.pidNamespace)
      continue;
    found.set(place.cgroup, place);
  }
  return [...found.values()];
}

function placeOrNull(pid: number, folders: KernelFolders): ProcessPlace | null {
  try {
    return placeOf(pid, folders);
  } catch (error) {
    if (error instanceof AgentError) return null;
    throw error;
  }
}
