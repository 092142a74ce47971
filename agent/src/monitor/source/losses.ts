// SPDX-License-Identifier: Apache-2.0

import {
  type GapEvent,
  HOST,
  type NamespaceEvent,
  type NamespaceId,
  type ProgramIdentity,
} from "@nsattest/ns-ima";
import type { KernelPrograms, LostPlace } from "./programs.ts";

/** The kernel's own account of what its programs could not deliver. */
export type LossCounters = Pick<
  KernelPrograms,
  "identities" | "recursionMisses" | "lostTotal" | "lostByPlace"
>;

/**
 * Compares the kernel's counters with the gaps that are in the log. What the log does not account for is a new gap: also what was lost
 * while no monitor ran, since the counters outlive us and the log says what the one before us knew.
 */
export class Losses {
  readonly #counters: LossCounters;
  readonly #ownersOf: (place: LostPlace) => readonly NamespaceId[];
  readonly #logged = new Map<NamespaceId, number>();
  #loggedMisses = 0;
  #loggedTotal = 0;
  #programs: readonly ProgramIdentity[] = [];
  /** What runs now instead, as the last gaps told. */
  #changedTo: readonly ProgramIdentity[] | null = null;

  constructor(counters: LossCounters, ownersOf: (place: LostPlace) => readonly NamespaceId[]) {
    this.#counters = counters;
    this.#ownersOf = ownersOf;
  }

  /** Takes over an event that is in the log. */
  learn(event: NamespaceEvent): void {
    if (event.kind === "boot") this.#programs = event.programs;
    if (event.kind !== "gap") return;
    if (event.reason === "ring-overflow") {
      this.#logged.set(event.ns, (this.#logged.get(event.ns) ?? 0) + event.lost);
      this.#loggedTotal += event.lost;
    } else if (event.reason === "recursion-miss") this.#loggedMisses += event.lost;
    else if (event.reason === "program-changed") this.#beginAgain();
  }

  /** What the kernel has counted so far, in all; to be compared with an earlier answer. */
  counted(): number {
    return this.#counters.lostTotal() + this.#counters.recursionMisses();
  }

  /** Gaps that are not in the log yet. Call `learn` with them once they are. */
  newGaps(): GapEvent[] {
    const programs = this.#counters.identities();
    if (!samePrograms(programs, this.#programs)) {
      this.#changedTo = programs;
      // Their counters are read the next time, from zero.
      return [{ kind: "gap", ns: HOST, lost: 0, reason: "program-changed" }];
    }
    const total = this.#counters.lostTotal();
    const gaps = total > this.#loggedTotal ? this.#overflows(total) : [];
    const misses = this.#counters.recursionMisses() - this.#loggedMisses;
    if (misses > 0) gaps.push({ kind: "gap", ns: HOST, lost: misses, reason: "recursion-miss" });
    return gaps;
  }

  /** Gaps that together are at least `total`, and never more than the kernel has counted: a sum too large would hide later losses. */
  #overflows(total: number): GapEvent[] {
    const owned = this.#grownByNamespace();
    const sum = owned.reduce((lost, gap) => lost + gap.lost, 0);
    // A cgroup that got its namespace after its losses were written down as the host's would be counted twice.
    const fits = this.#loggedTotal + sum <= this.#counters.lostTotal();
    const unexplained = total - this.#loggedTotal - (fits ? sum : 0);
    // What no namespace accounts for may be anybody's.
    return [...(fits ? owned : []), ...(unexplained > 0 ? [overflow(HOST, unexplained)] : [])];
  }

  #grownByNamespace(): GapEvent[] {
    const counted = new Map<NamespaceId, number>();
    const sharers = new Map<NamespaceId, readonly NamespaceId[]>();
    for (const { lost, ...place } of this.#counters.lostByPlace()) {
      const [first, ...others] = this.#ownersOf(place);
      if (first === undefined) continue;
      counted.set(first, (counted.get(first) ?? 0) + lost);
      sharers.set(first, [...(sharers.get(first) ?? []), ...others]);
    }
    return [...counted].flatMap(([ns, count]) => {
      const lost = count - (this.#logged.get(ns) ?? 0);
      // It may have been any of those who share a pid namespace, and is counted once.
      const others = new Set(sharers.get(ns));
      return lost > 0
        ? [overflow(ns, lost), ...[...others].map((other) => overflow(other, 0))]
        : [];
    });
  }

  /** New programs come with new counters. */
  #beginAgain(): void {
    this.#programs = this.#changedTo ?? this.#programs;
    this.#logged.clear();
    this.#loggedTotal = 0;
    this.#loggedMisses = 0;
  }
}

function overflow(ns: NamespaceId, lost: number): GapEvent {
  return { kind: "gap", ns, lost, reason: "ring-overflow" };
}

/** True when nothing was detached, replaced or loaded again: also their maps are the same then, the ring among them. */
export function samePrograms(
  some: readonly ProgramIdentity[],
  others: readonly ProgramIdentity[],
): boolean {
  return fingerprint(some) === fingerprint(others);
}

function fingerprint(programs: readonly ProgramIdentity[]): string {
  return programs
    .map(({ name, id, loadTime }) => `${name} ${id} ${loadTime}`)
    .sort()
    .join("\n");
}
