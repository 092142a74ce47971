// SPDX-License-Identifier: Apache-2.0

import {
  HOST,
  type NamespaceEvent,
  type NamespaceId,
  type NsCloseEvent,
  type NsOpenEvent,
} from "@nsattest/ns-ima";
import type { TaskPlace } from "../source/kernel-event.ts";
import type { LostPlace } from "../source/programs.ts";
import { PidBook } from "./pid-book.ts";
import type { ProcessPlace } from "./process.ts";

/** What a hook or a discovery knows of a container that begins. */
export interface Declaration {
  readonly containerId: string;
  readonly place: ProcessPlace;
  readonly runtime: string;
  readonly declared: boolean;
  readonly privileged: readonly string[];
  readonly labels: readonly (readonly [key: string, value: string])[];
}

/** Who answers for a task. */
export interface Membership {
  /** One, but for a task that escaped from a pid namespace that several containers share. */
  readonly owners: readonly NamespaceId[];
  /** The task stands in a cgroup that is not its container's. */
  readonly escaped: boolean;
}

type Opened = Pick<NsOpenEvent, "ns" | "declared" | "pidNamespace">;

const TAG_BYTES = 32;

/**
 * Which namespace a task belongs to. Built from the log alone, so a restarted monitor knows what the
 * one before it knew. Cgroup ids are never reused while a kernel runs: a closed namespace keeps its cgroup.
 */
export class Registry {
  readonly #host: Pick<ProcessPlace, "mountNamespace" | "pidNamespace">;
  readonly #random: (bytes: number) => Uint8Array;
  readonly #byCgroup = new Map<number, Opened>();
  readonly #declared = new Set<NamespaceId>();
  readonly #pids: PidBook;
  readonly #openByContainer = new Map<string, NamespaceId>();
  readonly #executions = new Map<NamespaceId, number>();
  #counter = 0;

  constructor(
    host: Pick<ProcessPlace, "mountNamespace" | "pidNamespace">,
    random: (bytes: number) => Uint8Array,
  ) {
    this.#host = host;
    this.#random = random;
    this.#pids = new PidBook(host.pidNamespace);
  }

  /** Takes over an event that is in the log. */
  learn(event: NamespaceEvent): void {
    this.#pids.learn(event);
    if (event.kind === "ns-open") {
      const { ns, declared, cgroup, pidNamespace } = event;
      this.#counter += 1;
      if (cgroup !== 0) this.#byCgroup.set(cgroup, { ns, declared, pidNamespace });
      if (declared) this.#declared.add(ns);
      this.#openByContainer.set(containerOf(ns), ns);
    } else if (event.kind === "ns-close") {
      const containerId = containerOf(event.ns);
      if (this.#openByContainer.get(containerId) === event.ns) {
        this.#openByContainer.delete(containerId);
      }
    } else if (event.kind === "exec") {
      this.#executions.set(event.ns, (this.#executions.get(event.ns) ?? 0) + 1);
    }
  }

  /**
   * Who a task belongs to, by two witnesses: the cgroups above it and its pid namespaces.
   *
   * The cgroups say: the innermost registered one's namespace; else the host when the task stands in the host's mount and pid namespaces.
   * A cgroup that nobody declared may be a login session or a service of the host of which one task unshared a namespace: its tasks in the
   * host's mount and pid namespaces stay the host's.
   *
   * Where the pid namespaces say something else, they are right, and the task has escaped: a cgroup may be entered, a pid namespace cannot
   * be left. Who cannot be told by either is in no namespace yet.
   */
  membershipOf(place: TaskPlace): Membership | null {
    const byCgroup = this.#byCgroups(place);
    const byPid = this.#pids.holdersOf(place);
    if (byPid.size === 0) {
      if (byCgroup === null)
        return this.#isOnHost(place) ? { owners: [HOST], escaped: false } : null;
      return this.#covers(byCgroup, place) ? { owners: [byCgroup.ns], escaped: false } : null;
    }
    for (const cgroup of place.cgroups) {
      const ns = this.#byCgroup.get(cgroup)?.ns;
      if (ns !== undefined && byPid.has(ns)) return { owners: [ns], escaped: false };
    }
    // What was only discovered may have more cgroups than the one it was seen in.
    const owners = [...byPid];
    return { owners, escaped: byCgroup !== null || owners.some((ns) => this.#declared.has(ns)) };
  }

  #byCgroups(place: TaskPlace): Opened | null {
    for (const cgroup of place.cgroups) {
      const open = this.#byCgroup.get(cgroup);
      if (open !== undefined && (open.declared || !this.#isOnHost(place))) return open;
    }
    return null;
  }

  /** False for a task of a pid namespace that is neither the host's nor below that of the cgroup's container. */
  #covers({ pidNamespace }: Opened, place: TaskPlace): boolean {
    const isHosts = this.isHostPid({ pidNamespace }) || this.isHostPid(place);
    const isCutOff = !place.pidAncestors.includes(place.pidNamespace);
    return isHosts || isCutOff || place.pidAncestors.includes(pidNamespace);
  }

  #isOnHost(place: TaskPlace): boolean {
    return this.isHostMount(place) && this.isHostPid(place);
  }

  /** True in a cgroup that some namespace has, or below one. */
  isRegistered({ cgroups }: TaskPlace): boolean {
    return cgroups.some((cgroup) => this.#byCgroup.has(cgroup));
  }

  isHostMount(place: { readonly mountNamespace: number }): boolean {
    return place.mountNamespace === this.#host.mountNamespace;
  }

  isHostPid(place: { readonly pidNamespace: number }): boolean {
    return place.pidNamespace === this.#host.pidNamespace;
  }

  /**
   * The event that opens a namespace for a container. Changes nothing until `learn` takes it; `ahead` counts openings that were asked for
   * but not learned yet.
   */
  opening(declaration: Declaration, ahead = 0): NsOpenEvent {
    return {
      kind: "ns-open",
      ns: `${declaration.containerId}/${this.#counter + ahead + 1}`,
      tag: this.#random(TAG_BYTES),
      cgroup: declaration.place.cgroup,
      mountNamespace: declaration.place.mountNamespace,
      pidNamespace: declaration.place.pidNamespace,
      runtime: declaration.runtime,
      declared: declaration.declared,
      privileged: declaration.privileged,
      labels: declaration.labels,
    };
  }

  /** The event that closes a container's namespace, or null when none is open. Changes nothing until `learn` takes it. */
  closing(containerId: string, reason: string): NsCloseEvent | null {
    const ns = this.#openByContainer.get(containerId);
    if (ns === undefined) return null;
    return { kind: "ns-close", ns, executions: this.#executions.get(ns) ?? 0, reason };
  }

  /** Container that declared this cgroup as its own and is still open, or null. */
  declaredHolder(cgroup: number): string | null {
    const holder = this.#byCgroup.get(cgroup);
    if (!holder?.declared) return null;
    const containerId = containerOf(holder.ns);
    return this.#openByContainer.get(containerId) === holder.ns ? containerId : null;
  }

  /** Whose events were lost where a task stood; nobody's when it cannot be said. What has ended keeps its losses. */
  ownersOfLoss({ cgroup, pidNamespace }: LostPlace): readonly NamespaceId[] {
    const byCgroup = this.#byCgroup.get(cgroup)?.ns;
    const byPid = this.#pids.lastHoldersOf(pidNamespace);
    if (byCgroup === undefined) return byPid;
    const isEscaped = byPid.length > 0 && !byPid.includes(byCgroup);
    return isEscaped ? byPid : [byCgroup];
  }
}

function containerOf(ns: NamespaceId): string {
  return ns.slice(0, ns.lastIndexOf("/"));
}
