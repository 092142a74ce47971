// SPDX-License-Identifier: Apache-2.0

import { type GapReason, HOST } from "@nsattest/ns-ima";
import { afterAll, beforeAll, describe, expect } from "vitest";
import type { FakeNode } from "../fakes/fake-node.ts";
import { BUSYBOX, codesOf, namespaceOf, TOOL, VerifierBench } from "../fakes/verifier-bench.ts";
import { attack } from "./attack.ts";

let bench: VerifierBench;
beforeAll(async () => {
  bench = await VerifierBench.start();
});
afterAll(() => bench.stop());

function lose(node: FakeNode, ns: string, reason: GapReason = "ring-overflow"): void {
  node.write({ kind: "gap", ns, lost: 1, reason });
}

function resync(node: FakeNode, ns: string): void {
  node.write({ kind: "resync", ns, found: 1 });
}

function container(node: FakeNode, name: string): string {
  const ns = node.open(name);
  node.run(ns, BUSYBOX);
  return ns;
}

async function verdictOf(node: FakeNode, name: string): Promise<readonly string[]> {
  node.mark();
  expect(await bench.attest(node)).toMatchObject({ status: 200 });
  const { verdict } = namespaceOf(await bench.report(node), name);
  return [verdict.tier, ...codesOf(verdict)];
}

describe("rule 4: a gap is an event", () => {
  attack(
    "gap-own",
    "says nothing of a container that was not seen, and warns once it was read again",
    "the container floods the ring, and what it runs meanwhile is lost without a trace",
    async () => {
      const node = bench.newNode();
      const [flooder] = [container(node, "flooder"), node.open("other")];
      node.execute("other/2", BUSYBOX);
      lose(node, flooder);
      expect(await verdictOf(node, "flooder")).toEqual(["none", "GAP"]);
      expect(await verdictOf(node, "other")).toEqual(["affirming"]);
      resync(node, flooder);
      node.execute(flooder, TOOL);
      expect(await verdictOf(node, "flooder")).toEqual(["warning", "GAP_RESYNCED"]);
      // Until it closes, and then too.
      node.write({ kind: "ns-close", ns: flooder, executions: 2, reason: "poststop" });
      expect(await verdictOf(node, "flooder")).toEqual(["warning", "GAP_RESYNCED"]);
    },
  );

  attack(
    "gap-each",
    "needs a resync after each gap",
    "one resync for all the gaps to come",
    async () => {
      const node = bench.newNode();
      const ns = container(node, "web");
      lose(node, ns);
      resync(node, ns);
      lose(node, ns, "program-changed");
      expect(await verdictOf(node, "web")).toEqual(["none", "GAP"]);
    },
  );

  attack(
    "verdict-execution",
    "holds what a resync found against the container",
    "what is found to be running after the gap is not judged",
    async () => {
      const node = bench.newNode();
      const ns = container(node, "web");
      lose(node, ns, "late-start");
      resync(node, ns);
      node.execute(ns, { path: "/bin/dropped", content: "dropped" });
      expect(await verdictOf(node, "web")).toEqual([
        "contraindicated",
        "NOT_IN_ALLOWLIST",
        "GAP_RESYNCED",
      ]);
    },
  );

  attack(
    "gap-host",
    "takes a gap of the host for one of everybody who was open",
    "the loss that cannot be attributed is nobody's",
    async () => {
      const node = bench.newNode();
      const ns = container(node, "before");
      lose(node, HOST, "recursion-miss");
      const later = node.open("after");
      node.execute(later, BUSYBOX);
      expect(await verdictOf(node, "before")).toEqual(["none", "GAP", "HOST_UNPROVEN"]);
      expect(await verdictOf(node, "after")).toEqual(["none", "HOST_UNPROVEN"]);
      resync(node, HOST);
      resync(node, ns);
      expect(await verdictOf(node, "before")).toEqual(["warning", "GAP_RESYNCED", "HOST_WARNING"]);
      expect(await verdictOf(node, "after")).toEqual(["warning", "HOST_WARNING"]);
      expect(codesOf((await bench.report(node)).node.host)).toEqual(["GAP_RESYNCED"]);
    },
  );

  attack(
    "verdict-changed",
    "takes it for one of a container too that was idle since the round before",
    "a container that does nothing after the gap is not looked at again",
    async () => {
      const node = bench.newNode();
      container(node, "idle");
      expect(await verdictOf(node, "idle")).toEqual(["affirming"]);
      lose(node, HOST);
      expect(await verdictOf(node, "idle")).toEqual(["none", "GAP", "HOST_UNPROVEN"]);
    },
  );

  attack(
    "gap-blame",
    "blames nobody for an entry whose owner the kernel is known to have missed",
    "whoever can make the kernel skip a program makes the host fail with it",
    async () => {
      const node = bench.newNode();
      const ns = container(node, "web");
      node.measure({ path: "/bin/unknown", content: "unknown" });
      lose(node, ns, "recursion-miss");
      expect(await verdictOf(node, "web")).toEqual(["none", "GAP"]);
      expect((await bench.report(node)).node.host.tier).toBe("affirming");
      // The interval ends with the mark.
      node.measure({ path: "/bin/unknown", content: "later" });
      node.mark();
      await bench.attest(node);
      expect(codesOf((await bench.report(node)).node.host)).toEqual(["ENTRY_UNOWNED"]);
    },
  );

  attack(
    "gap-own",
    "keeps a gap over a restart of the verifier",
    "a restart of the verifier closes the gap",
    async () => {
      const node = bench.newNode();
      lose(node, container(node, "web"));
      node.mark();
      await bench.attest(node);
      await bench.restart();
      expect(await verdictOf(node, "web")).toEqual(["none", "GAP"]);
    },
  );
});
