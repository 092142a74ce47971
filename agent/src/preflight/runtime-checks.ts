// SPDX-License-Identifier: Apache-2.0

import type { Finding } from "./finding.ts";
import type { Host } from "./host.ts";

/** How a container runtime is told of our hook. */
const RUNTIMES = {
  containerd: (version: string): string =>
    Number.parseInt(version, 10) >= 2 ? "NRI, or a base runtime spec" : "a base runtime spec",
  crio: () => "hooks.d",
  dockerd: () => "a runtime wrapper: Docker has no hooks",
  podman: () => "hooks.d",
  runc: () => "hooks of the bundle",
  crun: () => "hooks of the bundle",
} as const;

const VERSION = /\d+(?:\.\d+)+/;

/** Which container runtimes there are, and how each calls a hook. */
export function checkRuntimes(host: Host): Finding {
  const found = Object.entries(RUNTIMES).flatMap(([name, hookOf]) => {
    const line = host.versionOf(name);
    if (line === null) return [];
    const version = VERSION.exec(line)?.[0] ?? "of an unknown version";
    return [`${name} ${version} (${hookOf(version)})`];
  });
  return found.length > 0
    ? { check: "runtimes", state: "ok", says: found.join("; ") }
    : {
        ...{ check: "runtimes", state: "limited", says: "no container runtime was found" },
        next: "install one: containerd, CRI-O, Docker, podman, or runc alone",
      };
}
