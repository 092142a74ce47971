// SPDX-License-Identifier: Apache-2.0
import type { KernelSeries } from "@nsattest/lab";
import { displayPath } from "@nsattest/ns-ima";
import type { NamespaceReport, Reason, Verdict } from "@nsattest/protocol";
import { beforeAll, describe, expect, test } from "vitest";
import { namespaceOf } from "../vm/node-view.ts";
import { NEIGHBOURS, type Performance, play } from "./play.ts";
import type { Trick } from "./trick.ts";
import { TRICKS } from "./tricks.ts";

declare module "vitest" {
  interface TaskMeta {
    /** A trick that was played, and whether it shows; null: it came to nothing. */
    trick?: { readonly id: string; readonly seen: boolean | null };
  }
}

export interface HostileOptions {
  readonly kernel: KernelSeries;
  /** Words for the kernel's command line. */
  readonly append?: readonly string[];
  /** Also the tricks that take long. */
  readonly long: boolean;
}

/** Entries of these names the host has itself. */
const HOSTS_OWN: ReadonlySet<string> = new Set(["boot_aggregate", "/usr/lib/nsattest/monitor.cjs"]);
/** `VIOLATIONS` of `tricks/list.c`. */
const VIOLATIONS = 300;

/** Plays the tricks on one machine, and says what has to be true of it afterwards. */
export function describeHostile({ kernel, append = [], long }: HostileOptions): void {
  const tricks = TRICKS.filter(
    (trick) => (trick.kernels?.includes(kernel) ?? true) && (long || trick.long !== true),
  );
  describe([kernel, ...append].join(" "), () => {
    let node: Performance;
    beforeAll(async () => {
      node = await play(kernel, append, tricks);
    });

    for (const trick of tricks) {
      test(`${trick.id}: ${trick.idea}`, ({ task }) => {
        const { verdict } = namespaceOf(node.report, trick.id);
        task.meta.trick = {
          id: trick.id,
          seen: trick.expected.kind === "nothing" ? null : isSeen(trick, verdict),
        };
        expectDone(trick, node);
        expectSeen(trick, verdict);
      });
    }

    test.each([...NEIGHBOURS.keys(), ...tricks.map(({ id }) => id)])(
      "what the kernel's tracing saw in %s is in its list",
      (id) => {
        const shares = tricks.find((trick) => trick.id === id)?.shares ?? [];
        // Whoever may leave its cgroup may leave its list, but not the node's.
        const lists = shares.includes("cgroup")
          ? node.report.namespaces
          : [namespaceOf(node.report, id)];
        expect(hidden(node, id, lists)).toEqual([]);
      },
    );

    test("the host was affirming in every answer, and answers for no entry more", () => {
      expect(node.sightings.filter(({ host }) => host !== "affirming")).toEqual([]);
      expect(node.report.node.host.reasons).toEqual([]);
      expect(node.report.hostList).toMatchObject({
        entries: node.list.length,
        host: node.hostEntriesBefore,
      });
    });

    test.each([...NEIGHBOURS.keys()])("%s was affirming in every answer", (id) => {
      const worse = node.sightings.filter(({ containers }) => containers.get(id) !== "affirming");
      expect(worse.map(({ trick, containers }) => [trick, containers.get(id)])).toEqual([]);
      expect(namespaceOf(node.report, id).verdict.reasons).toEqual([]);
    });

    test("a key in a container's own keyring adds no entry", () => {
      const keys = node.list.filter(({ template }) => template === "ima-buf");
      expect(keys.map(({ path }) => path)).toEqual([".builtin_trusted_keys"]);
    });

    // Later kernels have a violation of a file once.
    test.runIf(kernel === "6.1")(
      "violations were made without a pause, and evidence went on",
      () => {
        expect(node.list.filter(({ violation }) => violation).length).toBeGreaterThan(VIOLATIONS);
      },
    );
  });
}

function expectDone({ id, listed = [] }: Trick, { results, list }: Performance): void {
  const { code, stderr } = results.get(id) ?? {};
  expect([stderr?.toString(), code]).toEqual(["", 0]);
  for (const path of listed) {
    const named = list.filter((entry) => entry.path === path);
    expect(named.length, path).toBeGreaterThan(HOSTS_OWN.has(path) ? 1 : 0);
  }
}

/** Whether the verdict says of the container what is expected, or, of what is known not to be seen, anything at all. */
function isSeen({ expected }: Trick, { tier, reasons, limits }: Verdict): boolean {
  switch (expected.kind) {
    case "reasons":
      return tier === "contraindicated" && isExplained(reasons, expected.reasons);
    case "limit":
      return limits.includes(expected.limit);
    default:
      return tier === "contraindicated";
  }
}

function expectSeen({ expected }: Trick, { tier, reasons, limits }: Verdict): void {
  if (expected.kind === "reasons") {
    expect(tier).toBe("contraindicated");
    for (const reason of expected.reasons)
      expect(reasons).toContainEqual(expect.objectContaining(reason));
    for (const reason of reasons)
      expect(
        expected.reasons.some((known) => isMatched(reason, known)),
        reason.code,
      ).toBe(true);
  } else if (expected.kind === "limit") expect(limits).toContain(expected.limit);
  else expect([tier, reasons]).toEqual(["affirming", []]);
}

function isExplained(reasons: readonly Reason[], expected: readonly Partial<Reason>[]): boolean {
  return (
    expected.every((known) => reasons.some((reason) => isMatched(reason, known))) &&
    reasons.every((reason) => expected.some((known) => isMatched(reason, known)))
  );
}

function isMatched(reason: Reason, known: Partial<Reason>): boolean {
  return Object.entries(known).every(([key, value]) => reason[key as keyof Reason] === value);
}

/** Names that the witness saw a container execute or map, and that are in none of these lists. */
function hidden(
  { witnessed }: Performance,
  id: string,
  lists: readonly NamespaceReport[],
): readonly string[] {
  const entries = lists.flatMap((list) => list.entries);
  const names = new Set(entries.flatMap(({ path }) => namesOf(path)));
  const seen = new Set((witnessed.get(id) ?? []).map(({ name }) => displayPath(name)));
  expect(seen.size).toBeGreaterThan(0);
  const missing = [...seen].filter((name) => !names.has(name));
  // A path that is too long for the event is listed as unknown.
  return missing.slice(entries.filter(({ path }) => path === "").length);
}

/** The last part of a path, and without what the kernel appends to one that is gone. */
function namesOf(path: string): readonly string[] {
  const name = path.slice(path.lastIndexOf("/") + 1);
  return [name, name.replace(/ \(deleted\)$/, "")];
}
