// SPDX-License-Identifier: Apache-2.0

import { HOST } from "@nsattest/ns-ima";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type FakeNode, IMA_POLICY, IMAGE, MONITOR } from "../fakes/fake-node.ts";
import {
  BUSYBOX,
  codesOf,
  namespaceOf,
  policyDocuments,
  runtimePolicy,
  TOOL,
  VerifierBench,
} from "../fakes/verifier-bench.ts";
import { attack } from "./attack.ts";

let bench: VerifierBench;
beforeAll(async () => {
  bench = await VerifierBench.start();
});
afterAll(() => bench.stop());

const OTHER_IMAGE = `sha256:${"0".repeat(64)}`;
const NODE_POLICY = JSON.parse(policyDocuments().get("node-policy.json") ?? "{}") as object;

async function attestMarked(node: FakeNode): Promise<void> {
  node.mark();
  expect(await bench.attest(node)).toMatchObject({ status: 200 });
}

describe("rule 5: missing trust is never success", () => {
  attack(
    "verdict-policy",
    "says nothing of a container without a policy",
    "a container that nobody has a policy for passes, whatever it runs",
    async () => {
      const node = bench.newNode();
      const image = (value: string) => ({ labels: [["image", value] as const] });
      for (const [name, change] of [
        ["unbound", image(OTHER_IMAGE)],
        ["tagged", image("busybox:latest")],
        ["unlabelled", { labels: [] }],
      ] as const) {
        node.execute(node.open(name, change), BUSYBOX);
      }
      await attestMarked(node);
      const verdicts = (await bench.report(node)).namespaces.map(({ verdict }) => verdict);
      expect(verdicts.map(({ tier }) => tier)).toEqual(["none", "none", "none"]);
      expect(verdicts.map(codesOf)).toEqual(Array(3).fill(["POLICY_MISSING"]));
      expect(verdicts.map(({ limits }) => limits.includes("IMAGE_NOT_PINNED"))).toEqual([
        false,
        true,
        true,
      ]);
    },
  );

  attack(
    "enrol-unchained",
    "says of a TPM that only an operator has let in that no vendor vouches for it",
    "keys in software look like those of a TPM to whoever relies on a verdict",
    async () => {
      const node = bench.newNode();
      bench.ekChained = false;
      node.execute(node.open("web"), BUSYBOX);
      await attestMarked(node);
      bench.ekChained = true;
      const report = await bench.report(node);
      expect(report.node.tpm.ekVerified).toBe(false);
      const verdicts = [report.node.host, ...report.namespaces.map(({ verdict }) => verdict)];
      expect(verdicts.map(({ tier }) => tier)).toEqual(["affirming", "affirming"]);
      for (const { limits } of verdicts) expect(limits).toContain("TPM_EK_UNCHAINED");
    },
  );

  attack(
    "verdict-image",
    "chooses the policy by the image's digest alone",
    "a container's own name or label chooses a wider policy",
    async () => {
      const node = bench.newNode();
      const labels = [
        ["image", `registry.example/other@${IMAGE}`],
        ["name", "busybox.json"],
        ["policy", "host.json"],
      ] as const;
      node.execute(node.open("web", { labels }), { path: "/sbin/init", content: "init" });
      await attestMarked(node);
      const { verdict, image } = namespaceOf(await bench.report(node), "busybox.json");
      expect(image).toBe(IMAGE);
      expect(codesOf(verdict)).toEqual(["NOT_IN_ALLOWLIST"]);
      const others = [
        ["annotation", `as good as ${IMAGE}@${IMAGE}`],
        ["image", `registry.example/other@${OTHER_IMAGE}`],
        ["name", "liar"],
      ] as const;
      node.execute(node.open("liar", { labels: others }), BUSYBOX);
      await attestMarked(node);
      const liar = namespaceOf(await bench.report(node), "liar");
      expect([liar.image, ...codesOf(liar.verdict)]).toEqual([OTHER_IMAGE, "POLICY_MISSING"]);
    },
  );

  attack(
    "verdict-executed",
    "says nothing of a container that executed nothing",
    "a container that hides all it does from the BPF programs is perfect",
    async () => {
      const node = bench.newNode();
      node.open("silent");
      await attestMarked(node);
      const { verdict } = namespaceOf(await bench.report(node), "silent");
      expect([verdict.tier, ...codesOf(verdict)]).toEqual(["none", "NO_EXECUTIONS"]);
    },
  );

  attack(
    "verdict-host-policy",
    "says nothing of hosts without a policy, but what nobody owns, and judges all once there is one",
    "a verifier whose policy was not delivered passes every node",
    async () => {
      await bench.restart({ policies: { "node-policy.json": undefined } });
      const node = bench.newNode();
      node.run(HOST, { path: "/usr/bin/rootkit", content: "rootkit" });
      const ns = node.open("web");
      node.execute(ns, BUSYBOX);
      await attestMarked(node);
      const report = await bench.report(node);
      expect(report.node.host.tier).toBe("none");
      expect(codesOf(report.node.host)).toEqual(["POLICY_MISSING"]);
      expect(codesOf(namespaceOf(report, "web").verdict)).toEqual(["HOST_UNPROVEN"]);
      await bench.restart({ policies: {} });
      await attestMarked(node);
      expect(codesOf((await bench.report(node)).node.host)).toEqual(["NOT_IN_ALLOWLIST"]);
    },
  );

  attack(
    "verdict-unjudged",
    "judges what a container executed before its policy came, and while it was away",
    "executions from before the policy are never judged",
    async () => {
      await bench.restart({ policies: { "namespace-policies.json": { policies: [] } } });
      const node = bench.newNode();
      const ns = node.open("web");
      node.execute(ns, TOOL);
      node.execute(ns, { path: "/bin/early", content: "early" });
      await attestMarked(node);
      expect(codesOf(namespaceOf(await bench.report(node), "web").verdict)).toEqual([
        "POLICY_MISSING",
      ]);
      await bench.restart({ policies: {} });
      await attestMarked(node);
      await bench.restart({ policies: { "namespace-policies.json": undefined } });
      node.execute(ns, { path: "/bin/between", content: "between" });
      await attestMarked(node);
      await bench.restart({ policies: {} });
      await attestMarked(node);
      const { verdict } = namespaceOf(await bench.report(node), "web");
      expect(verdict.reasons.map(({ path }) => path)).toEqual(["/bin/early", "/bin/between"]);
    },
  );

  attack(
    "verdict-judged-again",
    "judges an execution once, by the policy that was in force",
    "a wider policy, later, makes an execution good that was not good when it happened",
    async () => {
      const node = bench.newNode();
      const ns = node.open("web");
      const dropped = { path: "/bin/dropped", content: "dropped" };
      node.execute(ns, dropped);
      await attestMarked(node);
      await bench.restart({ policies: { "busybox.json": runtimePolicy([BUSYBOX, dropped]) } });
      await attestMarked(node);
      expect(codesOf(namespaceOf(await bench.report(node), "web").verdict)).toEqual([
        "NOT_IN_ALLOWLIST",
      ]);
      const later = node.open("later");
      node.execute(later, dropped);
      await attestMarked(node);
      expect(namespaceOf(await bench.report(node), "later").verdict.tier).toBe("affirming");
      await bench.restart({ policies: {} });
    },
  );

  attack(
    "verdict-programs",
    "says nothing of a host on which our programs were not seen as the policy lists them",
    "the node's own programs are exchanged for others, or were never measured",
    async () => {
      const required = { ...NODE_POLICY, programs: ["/usr/lib/nsattest/missing.cjs"] };
      await bench.restart({ policies: { "node-policy.json": required } });
      const node = bench.newNode();
      await attestMarked(node);
      expect((await bench.report(node)).node.host).toMatchObject({
        tier: "none",
        reasons: [{ code: "PROGRAMS_UNMEASURED", path: "/usr/lib/nsattest/missing.cjs" }],
      });
      await bench.restart({ policies: {} });
    },
  );

  attack(
    "verdict-programs-owner",
    "wants to see our programs as the host's",
    "a container that may act as the host executes our very program, so it is in the list, and the host runs another one",
    async () => {
      const node = bench.newNode();
      node.boot({}, [{ path: "boot_aggregate", content: "PCRs 0 to 9" }, IMA_POLICY]);
      node.run(node.open("web", { privileged: ["CAP_BPF"] }), MONITOR);
      await attestMarked(node);
      expect(codesOf((await bench.report(node)).node.host)).toEqual(["PROGRAMS_UNMEASURED"]);
    },
  );

  attack(
    "verdict-programs-listed",
    "does not take a container's file for one of our programs, nor one that is merely excluded",
    "a container writes a file with the name of our program and executes it",
    async () => {
      const program = "/tmp/agent.cjs";
      const file = { path: program, content: "agent" };
      await bench.restart({
        policies: { "node-policy.json": { ...NODE_POLICY, programs: [program] } },
      });
      const node = bench.newNode();
      node.run(node.open("web"), file);
      node.run(HOST, { ...file, content: "excluded by the host's policy" });
      await attestMarked(node);
      expect(codesOf((await bench.report(node)).node.host)).toEqual(["PROGRAMS_UNMEASURED"]);
      await bench.restart({ policies: {} });
    },
  );

  attack(
    "verdict-ima-policy",
    "fails a host that loaded another IMA policy, and says when none was seen",
    "the node measures less than it should",
    async () => {
      const node = bench.newNode();
      node.boot({}, [
        { path: "boot_aggregate", content: "PCRs 0 to 9" },
        { path: "/usr/lib/nsattest/monitor.cjs", content: "monitor" },
      ]);
      await attestMarked(node);
      expect((await bench.report(node)).node.host).toMatchObject({
        tier: "affirming",
        limits: ["BOOT_UNVERIFIED", "IMA_POLICY_UNPROVEN"],
      });
      node.claim(HOST, node.measure({ path: "/etc/ima/ima-policy", content: "measures nothing" }));
      await attestMarked(node);
      expect(codesOf((await bench.report(node)).node.host)).toEqual(["IMA_POLICY_MISMATCH"]);
    },
  );

  // No check stands for this: there is nothing that could be affirmed.
  it("says nothing of a node that has sent no evidence", async () => {
    const node = bench.newNode();
    await bench.challenge(node);
    const report = await bench.report(node);
    expect([report.node.host.tier, ...codesOf(report.node.host)]).toEqual([
      "none",
      "NEVER_ATTESTED",
    ]);
    expect(report.node.quote.verified).toBe(false);
  });
});
