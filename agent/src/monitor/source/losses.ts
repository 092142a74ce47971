// SPDX-License-Identifier: Apache-2.0

import {
  type GapEvent,
  HOST,
  type NamespaceEvent,
  type NamespaceId,
  type ProgramIdentity,
} from "@nsattest/ns-ima";
import type { KernelPrograms } from "./programs.ts";

/** The kernel's own account of what its programs could not deliver. */
export type LossCounters = Pick<
  KernelPrograms,
  "identities" | "recursionMisses" | "lostTotal" | "lostByCgroup"
>;

/**
 * Compares the kernel's counters with the gaps that are in the log. What the log does not account for is a new gap: also what was lost
 * while no monitor ran, since the counters outlive us and the log says what the one before us knew.
 */
export class Losses {
  readonly #counters: LossCounters;
  readonly #ownerOf: (cgroup: number) => NamespaceId | null;
  readonly #logged = new Map<NamespaceId, number>();
  #loggedMisses = 0;
  #loggedTotal = 0;
  #programs = "";

  constructor(counters: LossCounters, ownerOf: (cgroup: number) => NamespaceId | null) {
    this.#counters = counters;
    this.#ownerOf = ownerOf;
  }

  /** Takes over an event that is in the log. */
  learn(event: NamespaceEvent): void {
    if (event.kind === "boot") this.#programs = fingerprint(event.programs);
    if (event.kind !== "gap") return;
    if (event.reason === "ring-overflow") {
      this.#logged.set(event.ns, (this.#logged.get(event.ns) ?? 0) + event.lost);
      this.#loggedTotal += event.lost;
    } else if (event.reason === "recursion-miss") this.#loggedMisses += event.lost;
  }

  /** Gaps that are not in the log yet. Call `learn` with them once they are. */
  newGaps(): GapEvent[] {
    const gaps = this.#counters.lostTotal() > this.#loggedTotal ? this.#overflows() : [];
    const misses = this.#counters.recursionMisses() - this.#loggedMisses;
    if (misses > 0) gaps.push({ kind: "gap", ns: HOST, lost: misses, reason: "recursion-miss" });
    const programs = fingerprint(this.#counters.identities());
    if (programs !== this.#programs) {
      gaps.push({ kind: "gap", ns: HOST, lost: 0, reason: "program-changed" });
      this.#programs = programs;
    }
    return gaps;
  }

  #overflows(): GapEvent[] {
    const total = this.#counters.lostTotal();
    const lost = new Map<NamespaceId, number>();
    for (const [cgroup, count] of this.#counters.lostByCgroup()) {
      const ns = this.#ownerOf(cgroup) ?? HOST;
      lost.set(ns, (lost.get(ns) ?? 0) + count);
    }
    const gaps: GapEvent[] = [];
    let explained = this.#loggedTotal;
    for (const [ns, count] of lost) {
      const grown = count - (this.#logged.get(ns) ?? 0);
      if (grown <= 0) continue;
      gaps.push({ kind: "gap", ns, lost: grown, reason: "ring-overflow" });
      explained += grown;
    }
    // What no cgroup accounts for may be anybody's.
    if (explained < total)
      gaps.push({ kind: "gap", ns: HOST, lost: total - explained, reason: "ring-overflow" });
    return gaps;
  }
}

function fingerprint(programs: readonly ProgramIdentity[]): string {
  return programs
    .map(({ name, id, loadTime }) => `${name} ${id} ${loadTime}`)
    .sort()
    .join("\n");
}
