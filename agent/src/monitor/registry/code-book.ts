// SPDX-License-Identifier: Apache-2.0

import type { ExecEvent, NamespaceEvent, NamespaceId } from "@nsattest/ns-ima";

const NOBODY: ReadonlySet<NamespaceId> = new Set();

/**
 * Which open namespaces executed which file, by the kernel's number of it: whose code it is that is being rewritten. Built from the log
 * alone. Numbers are those of one set of programs: others begin anew.
 */
export class CodeBook {
  readonly #runners = new Map<number, Set<NamespaceId>>();
  readonly #files = new Map<NamespaceId, Set<number>>();

  /** Takes over an event that is in the log. */
  learn(event: NamespaceEvent): void {
    if (event.kind === "exec" && event.how !== "rewrite" && event.file !== 0) this.#add(event);
    else if (event.kind === "ns-close") this.#forget(event.ns);
    else if (event.kind === "gap" && event.reason === "program-changed") this.#clear();
  }

  /** The open namespaces that executed a file. */
  runnersOf(file: number): ReadonlySet<NamespaceId> {
    return this.#runners.get(file) ?? NOBODY;
  }

  #add({ ns, file }: ExecEvent): void {
    put(this.#runners, file, ns);
    put(this.#files, ns, file);
  }

  /** What has ended runs no code that could be changed. */
  #forget(ns: NamespaceId): void {
    for (const file of this.#files.get(ns) ?? []) {
      const runners = this.#runners.get(file);
      runners?.delete(ns);
      if (runners?.size === 0) this.#runners.delete(file);
    }
    this.#files.delete(ns);
  }

  #clear(): void {
    this.#runners.clear();
    this.#files.clear();
  }
}

function put<K, V>(sets: Map<K, Set<V>>, key: K, value: V): void {
  const set = sets.get(key) ?? new Set();
  sets.set(key, set.add(value));
}
