// SPDX-License-Identifier: Apache-2.0

import type { NamespaceEvent, NamespaceId } from "@nsattest/ns-ima";
import type { TaskPlace } from "../source/kernel-event.ts";

const NOBODY: ReadonlySet<NamespaceId> = new Set();

/**
 * Which open namespaces have which pid namespace: the second witness of where a task belongs. A task can go into deeper pid namespaces,
 * never out of one; into another cgroup it may be put. Several containers of a pod may share a pid namespace.
 *
 * Numbers of pid namespaces are used again after their end, so namespaces that have ended have none, and what was only discovered gives way
 * to what is declared.
 */
export class PidBook {
  readonly #hostPid: number;
  readonly #holders = new Map<number, Map<NamespaceId, boolean>>();
  readonly #ended = new Map<number, readonly NamespaceId[]>();
  readonly #pidOf = new Map<NamespaceId, number>();

  constructor(hostPid: number) {
    this.#hostPid = hostPid;
  }

  /** Takes over an event that is in the log. */
  learn(event: NamespaceEvent): void {
    if (event.kind === "ns-open") this.#open(event);
    else if (event.kind === "ns-close") {
      const pid = this.#pidOf.get(event.ns) ?? this.#hostPid;
      if (this.#holders.get(pid)?.delete(event.ns)) this.#ended.set(pid, [event.ns]);
      this.#pidOf.delete(event.ns);
    }
  }

  /** The namespaces that have a pid namespace, or else those that had it last. */
  lastHoldersOf(pidNamespace: number): readonly NamespaceId[] {
    const holders = this.#holders.get(pidNamespace)?.keys();
    const open = [...(holders ?? [])];
    return open.length > 0 ? open : (this.#ended.get(pidNamespace) ?? []);
  }

  /** The namespaces that have the innermost known pid namespace of a task; none when none is known. */
  holdersOf({ pidNamespace, pidAncestors }: TaskPlace): ReadonlySet<NamespaceId> {
    for (const pid of [pidNamespace, ...[...pidAncestors].reverse()]) {
      const holders = this.#holders.get(pid);
      if (holders !== undefined && holders.size > 0) return new Set(holders.keys());
    }
    return NOBODY;
  }

  #open({ ns, pidNamespace, declared }: Extract<NamespaceEvent, { kind: "ns-open" }>): void {
    if (pidNamespace === this.#hostPid) return;
    const before = this.#holders.get(pidNamespace) ?? [];
    const holders = new Map([...before].filter(([, isDeclared]) => isDeclared || !declared));
    this.#holders.set(pidNamespace, holders.set(ns, declared));
    this.#pidOf.set(ns, pidNamespace);
  }
}
