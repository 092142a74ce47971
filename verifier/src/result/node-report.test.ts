// SPDX-License-Identifier: Apache-2.0

import { HOST, joinedNamespaces } from "@nsattest/ns-ima";
import { encodeNodeReport, type NodeReport } from "@nsattest/protocol";
import { describe, expect, it } from "vitest";
import { FakeNode, IMAGE } from "../../../test/fakes/fake-node.ts";
import { BUSYBOX, digestText, policyDocuments } from "../../../test/fakes/verifier-bench.ts";
import { appraise, EMPTY_STATE } from "../pipeline.ts";
import { parsePolicySet } from "../policy/policy-set.ts";
import { readStanding } from "../verdict/condition.ts";
import { NEVER_ATTESTED, standingOf } from "../verdict/standing.ts";
import { nodeReport } from "./node-report.ts";

const NOW = new Date("2026-01-02T03:04:05.000Z");
const LATER = new Date("2026-01-02T03:04:06.000Z");

const policies = parsePolicySet(policyDocuments());
const node = new FakeNode();
node.boot();
const web = node.open("web", { declared: false });
node.run(web, BUSYBOX);
node.execute(web, BUSYBOX, { how: "map" });
node.execute(web, { path: "/bin/\x1b[31mred", content: "red" });
node.execute(web, BUSYBOX, { how: "mprotect", path: "", digest: null });
node.open("idle", { labels: [] });
for (const ns of [HOST, web, web]) node.claim(ns, new Uint8Array(32));
node.write({ kind: "ns-close", ns: web, executions: 4, reason: "poststop" });
node.mark();
node.measure({ path: "/pending", content: "pending" });
const { state, decisions } = appraise(
  EMPTY_STATE,
  node.evidence({
    nonce: new Uint8Array(32).fill(7),
    listOffset: 0,
    logOffset: 0,
    bank: "sha256",
    pcrs: [10, 13],
    bootLog: false,
    deadline: "",
  }),
  {
    node: node.id,
    akPublic: node.registeredAk,
    policies,
    now: NOW.getTime(),
    pendingSeconds: 60,
  },
);

const standing = standingOf(decisions, joinedNamespaces(state.join));
const times = { validUntil: NOW.getTime(), lastContact: NOW.getTime(), claimedBoot: null };

function reportAt(now: Date, known = state, of = standing): NodeReport {
  return nodeReport(node.id, known, readStanding(of, times, now, 60), true);
}

describe("nodeReport", () => {
  it("shows what is known, safe to print", () => {
    const report = reportAt(NOW);
    expect(report.node).toMatchObject({
      id: node.id,
      condition: "attested",
      lastContact: NOW.toISOString(),
      policy: policies.version,
      violations: 1,
      tpm: { ekVerified: true },
      quote: { verified: true, bank: "sha256", pcrs: [10, 13] },
      host: { tier: "affirming", validUntil: NOW.toISOString() },
    });
    expect(report.hostList).toEqual({ entries: 6, host: 4, namespaces: 1, pending: 1 });
    const [shown, idle] = report.namespaces;
    expect(shown).toMatchObject({
      id: web,
      name: "web",
      image: IMAGE,
      state: "closed",
      declared: false,
      levels: { kernel: 3 },
      violations: 2,
      verdict: { tier: "contraindicated" },
    });
    expect(shown?.entries).toEqual([
      { kinds: ["exec", "map"], path: BUSYBOX.path, digest: digestText(BUSYBOX.content) },
      { kinds: ["exec"], path: "/bin/\\x1b[31mred", digest: digestText("red") },
      { kinds: ["mprotect"], path: "", digest: null },
    ]);
    expect(idle).toMatchObject({ id: "idle/2", name: "idle/2", image: null, state: "open" });
    expect(() => encodeNodeReport(report)).not.toThrow();
  });

  it("shows no verdict that is over", () => {
    const report = reportAt(LATER);
    const verdicts = [report.node.host, ...report.namespaces.map(({ verdict }) => verdict)];
    expect(verdicts.map(({ tier }) => tier)).toEqual(["none", "none", "none"]);
    expect(verdicts[0]?.reasons[0]?.code).toBe("VERDICT_EXPIRED");
  });

  it("shows no namespace without a verdict", () => {
    expect(reportAt(NOW, state, NEVER_ATTESTED).namespaces).toEqual([]);
    expect(reportAt(NOW, EMPTY_STATE).namespaces).toEqual([]);
    expect(joinedNamespaces(state.join)).toContain(HOST);
  });
});
