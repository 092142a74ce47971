// SPDX-License-Identifier: Apache-2.0

import { EventFlag, HOST } from "@nsattest/ns-ima";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type FakeNode, INIT } from "../fakes/fake-node.ts";
import {
  BUSYBOX,
  codesOf,
  expectRefused,
  namespaceOf,
  runtimePolicy,
  VerifierBench,
} from "../fakes/verifier-bench.ts";
import { attack } from "./attack.ts";

let bench: VerifierBench;
beforeAll(async () => {
  bench = await VerifierBench.start();
});
afterAll(() => bench.stop());

const ROOTKIT = { path: "/usr/bin/rootkit", content: "rootkit" };
const DROPPED = { path: "/bin/dropped", content: "dropped" };

async function attestMarked(node: FakeNode): Promise<void> {
  node.mark();
  expect(await bench.attest(node)).toMatchObject({ status: 200 });
}

describe("rule 7: a namespace never stands better than its host", () => {
  attack(
    "verdict-host-contraindicated",
    "says nothing of the containers of a contraindicated host, but what is known against them",
    "on a host that an attacker owns, containers that he controls through it still pass",
    async () => {
      const node = bench.newNode();
      const [clean, tampered] = [node.open("clean"), node.open("tampered")];
      node.run(clean, BUSYBOX);
      node.run(tampered, DROPPED);
      node.run(HOST, ROOTKIT);
      await attestMarked(node);
      const report = await bench.report(node);
      expect(report.node.host.tier).toBe("contraindicated");
      expect(namespaceOf(report, "clean").verdict).toMatchObject({
        tier: "none",
        reasons: [{ code: "HOST_CONTRAINDICATED" }],
      });
      const { verdict } = namespaceOf(report, "tampered");
      expect(verdict.tier).toBe("contraindicated");
      expect(codesOf(verdict)).toEqual(["NOT_IN_ALLOWLIST", "HOST_CONTRAINDICATED"]);
    },
  );

  attack(
    "refusal-namespaces",
    "takes the containers' verdicts with the host's when evidence proves nothing",
    "a host that has stopped proving anything keeps its containers' verdicts",
    async () => {
      const node = bench.newNode();
      node.run(node.open("web"), BUSYBOX);
      await attestMarked(node);
      node.tpm.extend(13, { sha1: new Uint8Array(20), sha256: new Uint8Array(32) });
      expectRefused(await bench.attest(node), "ANCHOR_FOREIGN_EXTEND");
      const { verdict } = namespaceOf(await bench.report(node), "web");
      expect([verdict.tier, ...codesOf(verdict)]).toEqual(["none", "ANCHOR_FOREIGN_EXTEND"]);
      expect(bench.audit.findLast(({ event }) => event === "verdict")).toMatchObject({
        namespace: "web/1",
        from: "affirming",
        to: "none",
      });
    },
  );

  attack(
    "verdict-limits-host",
    "shows the host's limits at its containers",
    "what is not known of the host is not mentioned where people look, at the container",
    async () => {
      const node = bench.newNode();
      node.run(node.open("web"), BUSYBOX);
      await attestMarked(node);
      expect(namespaceOf(await bench.report(node), "web").verdict).toMatchObject({
        tier: "affirming",
        limits: ["BOOT_UNVERIFIED", "IMA_POLICY_UNPROVEN"],
      });
    },
  );
});

describe("rule 9: who can act as the host is the host", () => {
  attack(
    "verdict-privileged",
    "judges a privileged container by the host's policy too",
    "a privileged container is a rootkit with a policy of its own",
    async () => {
      const node = bench.newNode();
      const ns = node.open("agent", { privileged: ["CAP_SYS_ADMIN"] });
      node.run(ns, BUSYBOX);
      await attestMarked(node);
      const report = await bench.report(node);
      expect(codesOf(report.node.host)).toEqual(["NOT_IN_ALLOWLIST"]);
      const { verdict } = namespaceOf(report, "agent");
      expect(verdict.tier).toBe("none");
      expect(verdict.limits).toContain("PRIVILEGED");
    },
  );

  attack(
    "verdict-privileged-entries",
    "judges its executions without entries, and its entries without executions",
    "the same, where the kernel adds no entry; or where there is an entry and no execution",
    async () => {
      const [execution, entry, violation] = [bench.newNode(), bench.newNode(), bench.newNode()];
      const privileged = { privileged: ["tpm device"] };
      execution.execute(execution.open("agent", privileged), BUSYBOX);
      await attestMarked(execution);
      expect(codesOf((await bench.report(execution)).node.host)).toEqual(["NOT_IN_ALLOWLIST"]);
      entry.claim(entry.open("agent", privileged), entry.measure(ROOTKIT));
      await attestMarked(entry);
      expect(codesOf((await bench.report(entry)).node.host)).toEqual(["NOT_IN_ALLOWLIST"]);
      violation.claim(violation.open("agent", privileged), new Uint8Array(32));
      violation.measure(INIT, { digest: null });
      await attestMarked(violation);
      expect(codesOf((await bench.report(violation)).node.host)).toEqual(["VIOLATION"]);
    },
  );

  // Gain, if this failed: nobody could run a privileged container at all.
  it("lets a privileged container be affirming that both policies allow", async () => {
    await bench.restart({
      policies: { "busybox.json": runtimePolicy([INIT]) },
    });
    const node = bench.newNode();
    node.run(node.open("agent", { privileged: ["CAP_BPF"] }), INIT);
    await attestMarked(node);
    const report = await bench.report(node);
    expect(report.node.host.tier).toBe("affirming");
    expect(namespaceOf(report, "agent").verdict).toMatchObject({
      tier: "affirming",
      limits: ["BOOT_UNVERIFIED", "IMA_POLICY_UNPROVEN", "PRIVILEGED"],
    });
    await bench.restart({ policies: {} });
  });

  attack(
    "verdict-limits",
    "says what an execution leaves open",
    "code that is in no file is taken for covered",
    async () => {
      const node = bench.newNode();
      const ns = node.open("web");
      node.execute(ns, BUSYBOX, { flags: EventFlag.SCRIPT });
      node.execute(ns, BUSYBOX, { how: "anonymous", path: "", digest: null });
      await attestMarked(node);
      const report = await bench.report(node);
      expect(namespaceOf(report, "web").verdict).toMatchObject({
        tier: "affirming",
        limits: ["ANONYMOUS_EXEC", "BOOT_UNVERIFIED", "IMA_POLICY_UNPROVEN", "INTERPRETER"],
      });
      expect(report.node.host.limits).toEqual(["BOOT_UNVERIFIED", "IMA_POLICY_UNPROVEN"]);
    },
  );
});
