// SPDX-License-Identifier: Apache-2.0

import { HOST } from "@nsattest/ns-ima";
import { describe, expect, it } from "vitest";
import { FakeNode, INIT } from "../../test/fakes/fake-node.ts";
import { policyDocuments } from "../../test/fakes/verifier-bench.ts";
import { type Appraisal, appraise, EMPTY_STATE, type NodeState } from "./pipeline.ts";
import { listPinsOf, type PolicySet, parsePolicySet } from "./policy/policy-set.ts";
import { quotedSelection } from "./quote/check-quote.ts";
import { nothingReplayed } from "./replay/replay-evidence.ts";

const nodePolicy = JSON.parse(policyDocuments().get("node-policy.json") ?? "") as object;

/** Policies whose node policy pins `measurement`. */
function pinning(measurement: object): PolicySet {
  return parsePolicySet(policyDocuments({ "node-policy.json": { ...nodePolicy, measurement } }));
}

/** One honest round after `past`, as a challenge under `policies` asks for it. */
function round(node: FakeNode, policies: PolicySet, past: NodeState = EMPTY_STATE): Appraisal {
  node.mark();
  const pins = listPinsOf(policies);
  const goesOn = past.boot?.bootId === node.bootId && past.replayed.list.pins.id === pins.id;
  const { list, log } = goesOn ? past.replayed : nothingReplayed(pins);
  const evidence = node.evidence({
    nonce: new Uint8Array(32).fill(7),
    listOffset: list.bytes,
    logOffset: log.batches,
    ...quotedSelection(pins, false),
    bootLog: false,
    deadline: "",
  });
  const context = {
    node: node.id,
    akPublic: node.registeredAk,
    policies,
    now: 0,
    pendingSeconds: 60,
  };
  return appraise(past, evidence, context);
}

function newNode(paddedSha1 = false): FakeNode {
  const node = new FakeNode();
  node.paddedSha1 = paddedSha1;
  node.boot();
  return node;
}

function code(action: () => unknown): unknown {
  try {
    return action();
  } catch (error) {
    return (error as { code?: string }).code;
  }
}

describe("the bank that is pinned", () => {
  it.each([
    ["sha1", true],
    ["sha256", false],
    ["sha384", false],
    ["sha512", false],
  ])("may be %s", (bank, isSha1) => {
    const policies = pinning({ bank });
    const node = newNode();
    const first = round(node, policies);
    node.run(HOST, { ...INIT, path: "/sbin/other" });
    const second = round(node, policies, first.state);
    expect(first.decisions.host.tier).toBe("affirming");
    expect(second.state.replayed.list.entries).toBe(5);
    for (const { decisions } of [first, second]) {
      expect(decisions.host.limits.includes("LIST_SHA1")).toBe(isSha1);
    }
  });

  it("may hold padded SHA-1 where that is pinned, and the verdict says so", () => {
    const node = newNode(true);
    expect(code(() => round(node, pinning({ bank: "sha384" })))).toBe("LIST_REPLAY_MISMATCH");
    const { decisions } = round(node, pinning({ bank: "sha384", paddedSha1: true }));
    expect(decisions.host).toMatchObject({ tier: "affirming" });
    expect(decisions.host.limits).toContain("LIST_SHA1");
  });

  it("holds its own digests where padded ones are allowed, and the verdict says no less", () => {
    const { decisions } = round(newNode(), pinning({ bank: "sha384", paddedSha1: true }));
    expect(decisions.host.limits).not.toContain("LIST_SHA1");
  });
});

describe("the PCRs that are pinned", () => {
  it("may be several, and all records are replayed", () => {
    const policies = pinning({ pcrs: [10, 11, 12] });
    const node = newNode();
    const first = round(node, policies);
    node.claim(HOST, node.measure(INIT, { pcr: 11 }));
    node.claim(HOST, node.measure({ ...INIT, content: "other" }, { pcr: 12 }));
    const { state } = round(node, policies, first.state);
    expect(state.replayed.list.entries).toBe(6);
    expect(state.replayed.list.pcrs).toEqual(
      new Map([10, 11, 12].map((index) => [index, node.tpm.pcr(index)])),
    );
  });

  it("are all there are: a record of another one is refused", () => {
    const node = newNode();
    node.measure(INIT, { pcr: 11 });
    node.measure({ ...INIT, content: "behind it" });
    expect(code(() => round(node, pinning({})))).toBe("LIST_PCR_UNSUPPORTED");
  });
});

describe("when the pins change", () => {
  it("what was replayed under others is history, and the whole boot is judged again", () => {
    const node = newNode();
    const first = round(node, pinning({}));
    const again = round(node, pinning({ bank: "sha384" }), first.state);
    expect(again.beginsAnew).toBe(true);
    expect(again.state.replayed.list).toMatchObject({ bank: "sha384", entries: 4 });
    expect(again.decisions.host.tier).toBe("affirming");
  });

  it("the clock of the boot that is known must still go on", () => {
    const node = newNode();
    const first = round(node, pinning({}));
    node.tpm.clock = 0;
    expect(code(() => round(node, pinning({ bank: "sha384" }), first.state))).toBe("QUOTE_CLOCK");
  });
});

it("refuses a template that is not pinned", () => {
  const node = newNode();
  node.measure(INIT, { template: "ima-ngv2" });
  expect(code(() => round(node, pinning({})))).toBe("LIST_TEMPLATE_UNSUPPORTED");
  const pinned = pinning({ templates: ["ima-sig", "ima-ngv2"] });
  expect(round(node, pinned).state.replayed.list.entries).toBe(5);
});
