// SPDX-License-Identifier: Apache-2.0

import type { BootEvent, GapEvent, NamespaceId, ProgramIdentity } from "@nsattest/ns-ima";
import fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import { type LossCounters, Losses, samePrograms } from "./losses.ts";
import type { LostPlace } from "./programs.ts";

const PROGRAMS: readonly ProgramIdentity[] = ["exec", "owner"].map((name, id) => ({
  name,
  id,
  tag: new Uint8Array(8),
  loadTime: 1000 + id,
}));
const BOOT: BootEvent = {
  kind: "boot",
  ns: "host",
  tag: new Uint8Array(32),
  bootId: "0d8c6f5e-6d3a-4c89-9f43-0a7d3c1a2b4e",
  kernel: "6.1",
  resetCount: 1,
  restartCount: 0,
  baseline: new Uint8Array(32),
  hostEntries: 1,
  programs: PROGRAMS,
  version: "0.1.0",
};

/** The kernel's counters: they only grow. */
class Counters implements LossCounters {
  programs = PROGRAMS;
  misses = 0;
  total = 0;
  /** Called while the counts of the cgroups are read. */
  whileReading = (): void => undefined;
  readonly byCgroup = new Map<number, number>();

  lose(cgroup: number, count = 1): void {
    this.byCgroup.set(cgroup, (this.byCgroup.get(cgroup) ?? 0) + count);
    this.total += count;
  }

  identities(): ProgramIdentity[] {
    return [...this.programs];
  }

  recursionMisses(): number {
    return this.misses;
  }

  lostTotal(): number {
    return this.total;
  }

  lostByPlace(): (LostPlace & { lost: number })[] {
    this.whileReading();
    return [...this.byCgroup].map(([cgroup, lost]) => ({ cgroup, pidNamespace: 0, lost }));
  }
}

let kernel: Counters;
let owners: Map<number, readonly NamespaceId[]>;
let log: GapEvent[];
let losses: Losses;

beforeEach(() => {
  kernel = new Counters();
  owners = new Map([
    [7, ["web/1"]],
    [8, ["db/2"]],
    [70, ["web/1"]],
  ]);
  log = [];
  restart();
});

it("gives what any of several may have lost to each of them, and counts it once", () => {
  owners.set(77, ["web/1", "side/4"]);
  kernel.lose(77, 3);
  const gaps = losses.newGaps();
  expect(gaps.map(({ ns, lost }) => [ns, lost])).toEqual([
    ["web/1", 3],
    ["side/4", 0],
  ]);
  for (const gap of gaps) losses.learn(gap);
  expect(losses.newGaps()).toEqual([]);
});

/** As a new process that has only the log and the kernel's counters. */
function restart(): void {
  losses = new Losses(kernel, ({ cgroup }) => owners.get(cgroup) ?? []);
  for (const event of [BOOT, ...log]) losses.learn(event);
}

/** What a mark does: asks, writes down, and takes over what was written. */
function mark(): GapEvent[] {
  const gaps = losses.newGaps();
  for (const gap of gaps) losses.learn(gap);
  log.push(...gaps);
  return gaps;
}

const overflow = (ns: NamespaceId, lost: number): GapEvent => ({
  kind: "gap",
  ns,
  lost,
  reason: "ring-overflow",
});

it("finds nothing when nothing was lost", () => {
  expect(mark()).toEqual([]);
});

it("says what each namespace lost, once", () => {
  kernel.lose(7, 3);
  kernel.lose(70, 2);
  kernel.lose(8);
  expect(mark()).toEqual([overflow("web/1", 5), overflow("db/2", 1)]);
  expect(mark()).toEqual([]);
  kernel.lose(8, 4);
  expect(mark()).toEqual([overflow("db/2", 4)]);
});

it("tells the same again while it could not be written", () => {
  kernel.lose(7);
  kernel.misses = 1;
  kernel.programs = PROGRAMS.slice(1);
  expect(losses.newGaps()).toEqual(losses.newGaps());
  expect(mark()).toMatchObject([{ reason: "program-changed" }]);
});

it("finds what was lost while no monitor ran", () => {
  kernel.lose(7, 3);
  mark();
  kernel.lose(7, 2);
  kernel.misses = 4;
  restart();
  expect(mark()).toEqual([
    overflow("web/1", 2),
    { kind: "gap", ns: "host", lost: 4, reason: "recursion-miss" },
  ]);
  restart();
  expect(mark()).toEqual([]);
});

it("gives the host what belongs to no namespace, for it may be anybody's", () => {
  kernel.lose(1234, 2);
  // More cgroups lost events than the kernel keeps counts for.
  kernel.total += 3;
  kernel.lose(7);
  expect(mark()).toEqual([overflow("web/1", 1), overflow("host", 5)]);
});

it("does not count again what was the host's before its cgroup had a namespace", () => {
  kernel.lose(9, 10);
  expect(mark()).toEqual([overflow("host", 10)]);
  owners.set(9, ["late/3"]);
  expect(mark()).toEqual([]);
  // Whose these are cannot be told from what is in the log, but they are not hidden.
  kernel.lose(8, 2);
  expect(mark()).toEqual([overflow("host", 2)]);
  restart();
  kernel.lose(9, 1);
  expect(mark()).toEqual([overflow("host", 1)]);
});

it("gives a namespace what it lost while the counts were read", () => {
  kernel.lose(7);
  kernel.whileReading = () => kernel.lose(7, 5);
  expect(mark()).toEqual([overflow("web/1", 6)]);
  kernel.whileReading = () => undefined;
  expect(mark()).toEqual([]);
});

it("has no gap for programs that are merely listed in another order", () => {
  kernel.programs = [...PROGRAMS].reverse();
  expect(mark()).toEqual([]);
});

describe("when the programs were replaced", () => {
  const replaced = PROGRAMS.map((program) => ({ ...program, id: program.id + 10 }));
  const CHANGED = { kind: "gap", ns: "host", lost: 0, reason: "program-changed" };

  beforeEach(() => {
    kernel.lose(7, 5);
    kernel.misses = 5;
    mark();
    kernel = Object.assign(kernel, { programs: replaced, misses: 0, total: 0 });
    kernel.byCgroup.clear();
  });

  it("says so once, and counts from zero: the new ones have counters of their own", () => {
    expect(mark()).toEqual([CHANGED]);
    expect(mark()).toEqual([]);
    kernel.lose(7, 2);
    kernel.misses = 1;
    expect(mark()).toEqual([
      overflow("web/1", 2),
      { kind: "gap", ns: "host", lost: 1, reason: "recursion-miss" },
    ]);
  });

  it("says so again after a restart, for the log does not say by which", () => {
    mark();
    restart();
    expect(mark()).toEqual([CHANGED]);
  });

  it("knows them by name, id and load time, not by their tag", () => {
    const other = { ...PROGRAMS[0], tag: new Uint8Array(8).fill(1) } as ProgramIdentity;
    expect(samePrograms(PROGRAMS.slice(0, 1), [other])).toBe(true);
    expect(samePrograms(PROGRAMS.slice(0, 1), [{ ...other, loadTime: 1 }])).toBe(false);
    expect(samePrograms(PROGRAMS, PROGRAMS.slice(0, 1))).toBe(false);
  });
});

// More in the log than was lost would hide the next losses; less would hide these.
it("has exactly in the log what was lost, whatever happened in between", () => {
  const step = fc.oneof(
    fc.record({ cgroup: fc.constantFrom(7, 8, 9, 70, 1234), lost: fc.integer({ min: 1, max: 9 }) }),
    fc.constantFrom(
      "mark" as const,
      "restart" as const,
      "own 9" as const,
      "lose uncounted" as const,
    ),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      kernel = new Counters();
      owners.delete(9);
      log = [];
      restart();
      for (const what of [...steps, "mark" as const]) {
        if (what === "mark") {
          mark();
          expect(log.reduce((sum, { lost }) => sum + lost, 0)).toBe(kernel.total);
        } else if (what === "restart") restart();
        else if (what === "own 9") owners.set(9, ["late/3"]);
        else if (what === "lose uncounted") kernel.total++;
        else kernel.lose(what.cgroup, what.lost);
      }
    }),
  );
});
