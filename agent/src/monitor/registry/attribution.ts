// SPDX-License-Identifier: Apache-2.0

import {
  EventFlag,
  type ExecEvent,
  HOST,
  type NamespaceEvent,
  type NamespaceId,
} from "@nsattest/ns-ima";
import type { KernelEvent, TaskPlace } from "../source/kernel-event.ts";
import type { CodeBook } from "./code-book.ts";
import type { ProcessPlace } from "./process.ts";
import type { Declaration, Membership, Registry } from "./registry.ts";

/** What the kernel saw, as the log says it: each event with the namespace it belongs to. */
export class Attribution {
  readonly #registry: Registry;
  readonly #code: CodeBook;

  constructor(registry: Registry, code: CodeBook) {
    this.#registry = registry;
    this.#code = code;
  }

  /**
   * Gives each kernel event its namespace, opening one for a container that nobody declared. The same again for the same events, as long
   * as the registry has not learned what came of them.
   */
  eventsOf(kernelEvents: readonly KernelEvent[]): NamespaceEvent[] {
    const events: NamespaceEvent[] = [];
    const opened = new Map<string, NamespaceId>();
    for (const kernelEvent of kernelEvents) {
      const { place } = kernelEvent;
      let membership = this.#registry.membershipOf(place) ?? amongOpened(opened, place);
      if (membership === null) {
        const cgroup = this.#registry.isRegistered(place) ? 0 : (place.cgroups[0] ?? 0);
        const declaration = undeclared({ ...place, cgroup, pidNamespace: outermostPid(place) });
        const opening = this.#registry.opening(declaration, openings(events));
        events.push(opening);
        for (const name of [declaration.containerId, pidName(place)]) opened.set(name, opening.ns);
        membership = { owners: [opening.ns], escaped: false };
      }
      for (const ns of membership.owners) {
        events.push(...this.#toNamespaceEvents(kernelEvent, ns, membership.escaped));
      }
    }
    return events;
  }

  #toNamespaceEvents(event: KernelEvent, ns: NamespaceId, escaped: boolean): NamespaceEvent[] {
    const place = this.#placeFlags(event.place) | (escaped ? EventFlag.ESCAPED : 0);
    if (event.kind === "measured") {
      const { templateDigest, violation } = event;
      return [{ kind: "measured", ns, templateDigest, violation, flags: place }];
    }
    const flags =
      place |
      (event.script ? EventFlag.SCRIPT : 0) |
      (event.pathUnknown ? EventFlag.PATH_UNKNOWN : 0) |
      (event.writable ? EventFlag.CODE_WRITABLE : 0);
    const { how, path, digest, fsMagic, file } = event;
    const execution: ExecEvent = { kind: "exec", ns, how, path, digest, fsMagic, file, flags };
    if (how === "rewrite") return this.#rewrites(execution);
    // What comes in the same breath has to know it; the log's word for it follows.
    this.#code.learn(execution);
    return [execution];
  }

  /** A rewrite is told of who did it, and of every container whose code it was. */
  #rewrites(event: ExecEvent): NamespaceEvent[] {
    const runners = this.#code.runnersOf(event.file);
    // The host writes what it wants, and whoever executes that answers alone.
    const isOthers = event.ns !== HOST && !runners.has(event.ns) && !runners.has(HOST);
    const others = [...runners].filter((ns) => ns !== event.ns && ns !== HOST);
    return [
      isOthers ? { ...event, flags: event.flags | EventFlag.OTHERS_CODE } : event,
      ...others.map((ns) => ({ ...event, ns, flags: event.flags & EventFlag.PATH_UNKNOWN })),
    ];
  }

  #placeFlags(place: TaskPlace): number {
    return (
      (this.#registry.isHostMount(place) ? EventFlag.HOST_MOUNT : 0) |
      (this.#registry.isHostPid(place) ? EventFlag.HOST_PID : 0)
    );
  }
}

/** What is known of a container that nobody declared: named after its cgroup, or where that is another's (0), after its pid namespace. */
export function undeclared({ cgroup, mountNamespace, pidNamespace }: ProcessPlace): Declaration {
  const containerId = cgroup === 0 ? `pid-${pidNamespace}` : `cgroup-${cgroup}`;
  return {
    containerId,
    place: { cgroup, mountNamespace, pidNamespace },
    runtime: "unknown",
    declared: false,
    privileged: [],
    labels: [["name", containerId]],
  };
}

/** The one of `opened`, by their names, that a task belongs to. */
function amongOpened(
  opened: ReadonlyMap<string, NamespaceId>,
  place: TaskPlace,
): Membership | null {
  const names = [...place.cgroups.map((cgroup) => `cgroup-${cgroup}`), pidName(place)];
  const ns = names.map((name) => opened.get(name)).find((found) => found !== undefined);
  return ns === undefined ? null : { owners: [ns], escaped: false };
}

function openings(events: readonly NamespaceEvent[]): number {
  return events.filter(({ kind }) => kind === "ns-open").length;
}

function pidName(place: TaskPlace): string {
  return `pid-${outermostPid(place)}`;
}

/** A container's own, whatever it makes below it. */
function outermostPid({ pidNamespace, pidAncestors }: TaskPlace): number {
  return pidAncestors[0] ?? pidNamespace;
}
