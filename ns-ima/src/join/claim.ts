// SPDX-License-Identifier: Apache-2.0

import { EventFlag, HOST, type NamespaceId } from "../log/event.ts";

/** A `measured` event: a task of `ns` caused an entry with some template digest, or met it in the list. */
export interface Claim {
  readonly ns: NamespaceId;
  /** The task stood in the host's mount and pid namespace: it may be the runtime starting the container. */
  readonly onHost: boolean;
}

const ON_HOST = EventFlag.HOST_MOUNT | EventFlag.HOST_PID;

/** True for a task that is in the host's mount *and* pid namespace, as a runtime is before it starts a container. */
export function isOnHost(flags: number): boolean {
  return (flags & ON_HOST) === ON_HOST;
}

/**
 * Who acted: the host when it is the host's own task, or one of a container's cgroup that stands in the host's
 * namespaces and runs a runtime. The digest alone decides what a runtime is, for everything else can be arranged by a
 * privileged container.
 */
export function actorOf(claim: Claim, isRuntimeFile: boolean): NamespaceId {
  return claim.onHost && isRuntimeFile ? HOST : claim.ns;
}

/** Everybody who claims an entry, the first one first; the host before all others. */
export function actorsOf(claims: readonly Claim[], isRuntimeFile: boolean): readonly NamespaceId[] {
  const actors = new Set(claims.map((claim) => actorOf(claim, isRuntimeFile)));
  return actors.has(HOST) ? [HOST, ...[...actors].filter((ns) => ns !== HOST)] : [...actors];
}
