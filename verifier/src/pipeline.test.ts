// SPDX-License-Identifier: Apache-2.0

import { HOST, joinedNamespaces } from "@nsattest/ns-ima";
import { describe, expect, it } from "vitest";
import { FakeNode, INIT, RUNC } from "../../test/fakes/fake-node.ts";
import {
  BUSYBOX,
  digestText,
  policyDocuments,
  runtimePolicy,
} from "../../test/fakes/verifier-bench.ts";
import { type Appraisal, appraise, EMPTY_STATE, type NodeState } from "./pipeline.ts";
import { type PolicySet, parsePolicySet } from "./policy/policy-set.ts";
import { type Standing, standingOf } from "./verdict/standing.ts";

const policies = parsePolicySet(policyDocuments());
const noPolicies = parsePolicySet(new Map());

function newNode(): FakeNode {
  const node = new FakeNode();
  node.boot();
  return node;
}

const NOTHING_ASKED = {
  nonce: new Uint8Array(32).fill(7),
  bank: "sha256",
  pcrs: [10, 13],
  bootLog: false,
  deadline: "",
} as const;

function offsetsAfter({ state: { replayed } }: Appraisal) {
  return { listOffset: replayed.list.bytes, logOffset: replayed.log.batches };
}

/** One honest round after `past`. */
function round(node: FakeNode, past: NodeState = EMPTY_STATE, by: PolicySet = policies): Appraisal {
  node.mark();
  const { list, log } = past.boot?.bootId === node.bootId ? past.replayed : EMPTY_STATE.replayed;
  const evidence = node.evidence({
    nonce: new Uint8Array(32).fill(7),
    listOffset: list.bytes,
    logOffset: log.batches,
    bank: "sha256",
    pcrs: [10, 13],
    bootLog: false,
    deadline: "",
  });
  return appraise(past, evidence, {
    node: node.id,
    akPublic: node.registeredAk,
    policies: by,
    now: 0,
    pendingSeconds: 60,
  });
}

/** As `standingOf` shows them. */
function decisionsOf({ decisions, state }: Appraisal): Standing {
  return standingOf(decisions, joinedNamespaces(state.join));
}

function hostCodes({ decisions }: Appraisal): readonly string[] {
  return decisions.host.reasons.map(({ code }) => code);
}

function namespaceCodes({ decisions }: Appraisal, ns: string): readonly string[] | undefined {
  return decisions.namespaces.get(ns)?.reasons.map(({ code }) => code);
}

const BAD = { path: "/bin/bad", content: "bad" };

describe("appraise", () => {
  it("adds up over rounds to what one round would have said", () => {
    const node = newNode();
    const ns = node.open("web");
    node.run(ns, BUSYBOX);
    const first = round(node);
    expect(first.beginsAnew).toBe(true);
    node.run(HOST, INIT);
    node.run(ns, BAD);
    const second = round(node, first.state);
    expect(second.beginsAnew).toBe(false);
    const whole = round(node);
    expect(decisionsOf(second)).toEqual(decisionsOf(whole));
    expect(second.state.join.counts).toEqual(whole.state.join.counts);
    expect(second.state.replayed.list).toEqual(whole.state.replayed.list);
  });

  it("leaves the state it was given as it was", () => {
    const node = newNode();
    const ns = node.open("web");
    node.run(ns, BUSYBOX);
    const first = round(node);
    node.run(ns, BAD);
    expect(namespaceCodes(round(node, first.state), ns)).toEqual(["NOT_IN_ALLOWLIST"]);
    expect(namespaceCodes(round(node, first.state), ns)).toEqual(["NOT_IN_ALLOWLIST"]);
    expect(first.state.decided.judgement.namespaces.get(ns)?.findings.reasons).toEqual([]);
  });

  it("forgets everything with a new boot", () => {
    const node = newNode();
    node.run(HOST, BAD);
    const first = round(node);
    expect(hostCodes(first)).toEqual(["NOT_IN_ALLOWLIST"]);
    node.boot();
    const second = round(node, first.state);
    expect(second.beginsAnew).toBe(true);
    expect(hostCodes(second)).toEqual([]);
  });

  it("judges again nothing that it judged, and everything that it could not judge", () => {
    const node = newNode();
    const ns = node.open("web");
    const privileged = node.open("agent", { privileged: ["CAP_BPF"] });
    node.run(ns, BAD);
    node.run(privileged, BUSYBOX);
    node.run(HOST, BAD);
    const blind = round(node, EMPTY_STATE, noPolicies);
    expect(hostCodes(blind)).toEqual(["POLICY_MISSING"]);
    const seeing = round(node, blind.state);
    expect(seeing.decisions.host.reasons.map(({ path }) => path)).toEqual([BAD.path, BUSYBOX.path]);
    expect(namespaceCodes(seeing, ns)).toEqual(["NOT_IN_ALLOWLIST", "HOST_CONTRAINDICATED"]);
    const wider = parsePolicySet(policyDocuments({ "host.json": runtimePolicy([BAD, BUSYBOX]) }));
    expect(round(node, seeing.state, wider).decisions.host.reasons).toHaveLength(2);
    const lost = round(node, seeing.state, noPolicies);
    expect(lost.decisions.host.tier).toBe("contraindicated");
    expect(hostCodes(lost)).toContain("POLICY_MISSING");
  });

  it("judges an entry of a container by the host's policy when it turns out to be the host's", () => {
    const node = newNode();
    const ns = node.open("web");
    const digest = node.measure(BAD);
    node.execute(ns, BAD);
    node.claim(ns, digest);
    const first = round(node);
    expect(hostCodes(first)).toEqual([]);
    node.claim(HOST, digest);
    expect(hostCodes(round(node, first.state))).toEqual(["NOT_IN_ALLOWLIST"]);
  });

  it("tells neither path nor digest of a violation that nobody owns", () => {
    const node = newNode();
    node.measure(BAD, { digest: null });
    node.measure(BAD);
    expect(round(node).decisions.host.reasons).toMatchObject([
      { code: "ENTRY_UNOWNED", detail: "nobody was seen to cause entry 4 of the list" },
      { code: "ENTRY_UNOWNED", path: BAD.path, digest: digestText(BAD.content) },
    ]);
    expect(round(node).decisions.host.reasons[0]).not.toHaveProperty("path");
  });

  it("asks for runtimes by the policy in force when the execution came", () => {
    const node = newNode();
    const ns = node.open("web");
    node.execute(ns, RUNC, { flags: 3 });
    node.execute(ns, BUSYBOX);
    expect(namespaceCodes(round(node), ns)).toEqual([]);
    expect(namespaceCodes(round(node, EMPTY_STATE, { ...policies, host: null }), ns)).toEqual([
      "NOT_IN_ALLOWLIST",
      "HOST_UNPROVEN",
    ]);
  });

  it.each([
    [
      "fail",
      "contraindicated",
      ["VIOLATION"],
      "contraindicated",
      ["DIGEST_UNSTABLE", "HOST_CONTRAINDICATED"],
    ],
    ["warn", "warning", ["VIOLATION"], "warning", ["VIOLATION", "HOST_WARNING"]],
    ["count", "affirming", [], "affirming", []],
  ] as const)(
    "makes of violations what the policies say: %s",
    (rule, tier, codes, nsTier, nsCodes) => {
      const documents = policyDocuments();
      for (const name of ["node-policy.json", "namespace-policies.json"]) {
        const document = JSON.parse(documents.get(name) ?? "") as { policies?: object[] };
        const changed = document.policies
          ? { policies: document.policies.map((each) => ({ ...each, violations: rule })) }
          : { ...document, violations: rule };
        documents.set(name, JSON.stringify(changed));
      }
      const node = newNode();
      const ns = node.open("web");
      node.run(ns, BUSYBOX);
      for (const who of [HOST, ns, ns]) {
        node.claim(who, new Uint8Array(32));
        node.measure(BUSYBOX, { digest: null });
      }
      const { state, decisions, ...rest } = round(node, EMPTY_STATE, parsePolicySet(documents));
      expect(decisions.host.tier).toBe(tier);
      expect(hostCodes({ state, decisions, ...rest })).toEqual(codes);
      expect(decisions.namespaces.get(ns)?.tier).toBe(nsTier);
      expect(namespaceCodes({ state, decisions, ...rest }, ns)).toEqual(nsCodes);
      const { host, namespaces } = state.decided.judgement;
      expect([host.violations, namespaces.get(ns)?.violations]).toEqual([1, 2]);
    },
  );

  it("fails a namespace for violations while nobody has said what they are worth", () => {
    const node = newNode();
    const ns = node.open("web", { labels: [] });
    node.claim(ns, new Uint8Array(32));
    expect(namespaceCodes(round(node), ns)).toContain("DIGEST_UNSTABLE");
  });

  it("holds each kind of instability against a container once, and keeps what it said", () => {
    const node = newNode();
    const ns = node.open("web");
    node.execute(ns, BUSYBOX, { digest: null });
    const first = round(node);
    node.execute(ns, BUSYBOX);
    const second = round(node, first.state);
    expect(namespaceCodes(second, ns)).toEqual(["DIGEST_UNSTABLE"]);
    expect(second.decisions.namespaces).toBe(first.decisions.namespaces);
  });

  it("finds nothing new in evidence that has nothing new, and remembers all the same objects", () => {
    const node = newNode();
    node.run(node.open("web"), BUSYBOX);
    const first = round(node);
    const again = { ...node.evidence({ ...NOTHING_ASKED, ...offsetsAfter(first) }) };
    const second = appraise(first.state, again, {
      node: node.id,
      akPublic: node.registeredAk,
      policies,
      now: 1e9,
      pendingSeconds: 60,
    });
    expect([first.hasNews, second.hasNews]).toEqual([true, false]);
    expect(second.decisions).toBe(first.decisions);
  });
});
