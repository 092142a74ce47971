// SPDX-License-Identifier: Apache-2.0

import {
  EMPTY_JOIN,
  type GapState,
  HOST,
  type JoinEntry,
  type JoinState,
  joinEvidence,
  type NamespaceEvent,
} from "@nsattest/ns-ima";
import { describe, expect, it } from "vitest";
import { contentDigest, IMAGE, MONITOR } from "../../../test/fakes/fake-node.ts";
import { policyDocuments } from "../../../test/fakes/verifier-bench.ts";
import { type PolicySet, parsePolicySet } from "../policy/policy-set.ts";
import { decide } from "./decide.ts";
import type { Decision } from "./decision.ts";
import { NO_FINDINGS } from "./findings.ts";
import type { HostJudgement, NamespaceJudgement } from "./judgement.ts";
import type { VerdictReason } from "./reason.ts";

const policies = parsePolicySet(policyDocuments());
const bad: VerdictReason = { code: "NOT_IN_ALLOWLIST", path: "/x", detail: "" };

const goodHost: HostJudgement = {
  judged: true,
  gap: "none",
  findings: NO_FINDINGS,
  programs: new Set([MONITOR.path]),
  imaPolicyProven: true,
};
const goodNamespace: NamespaceJudgement = {
  judged: true,
  findings: NO_FINDINGS,
  image: IMAGE,
  privileged: false,
  executed: true,
  gap: "none",
  unstable: [],
};

const aggregate: JoinEntry = {
  template: "ima-ng",
  templateDigest: new Uint8Array(32).fill(1),
  violation: false,
  digest: contentDigest("aggregate"),
  path: "boot_aggregate",
  signature: null,
};

/** A list of one entry, from before the log. */
function join(first: JoinEntry = aggregate): JoinState {
  const boot: NamespaceEvent = {
    kind: "boot",
    ns: HOST,
    tag: new Uint8Array(32),
    bootId: "",
    kernel: "",
    resetCount: 1,
    restartCount: 0,
    baseline: new Uint8Array(32),
    hostEntries: 1,
    programs: [],
    version: "",
  };
  return joinEvidence(EMPTY_JOIN, [first], [boot], () => false).state;
}

const GOOD = join();

interface Case {
  readonly join?: JoinState;
  readonly host?: Partial<HostJudgement>;
  readonly namespace?: Partial<NamespaceJudgement>;
  readonly policies?: Partial<PolicySet>;
  readonly stalled?: boolean;
}

function decisions(given: Case): { host: Decision; namespace: Decision } {
  const namespace = { ...goodNamespace, ...given.namespace };
  const judgement = {
    host: { ...goodHost, ...given.host },
    namespaces: new Map([["web/1", namespace]]),
  };
  const { host, namespaces } = decide(
    given.join ?? GOOD,
    judgement,
    { ...policies, ...given.policies },
    given.stalled ?? false,
  );
  const decided = namespaces.get("web/1");
  if (!decided) throw new Error("nothing was decided of the namespace");
  return { host, namespace: decided };
}

function summary({ tier, reasons }: Decision): readonly string[] {
  return [tier, ...reasons.map(({ code }) => code)];
}

describe("the host's verdict", () => {
  it.each<[string, Case, readonly string[]]>([
    ["nothing is wrong", {}, ["affirming"]],
    [
      "something was found",
      { host: { findings: { ...NO_FINDINGS, reasons: [bad] } } },
      ["contraindicated", "NOT_IN_ALLOWLIST"],
    ],
    ["there is no policy", { policies: { host: null } }, ["none", "POLICY_MISSING"]],
    ["there is no log", { join: EMPTY_JOIN }, ["none", "BOOT_AGGREGATE"]],
    [
      "the list begins elsewhere",
      { join: join({ ...aggregate, path: "/sbin/init" }) },
      ["none", "BOOT_AGGREGATE"],
    ],
    [
      "the aggregate is zero",
      { join: join({ ...aggregate, digest: { algorithm: "sha256", value: new Uint8Array(32) } }) },
      ["none", "BOOT_AGGREGATE"],
    ],
    [
      "the aggregate is a violation",
      { join: join({ ...aggregate, digest: null, violation: true }) },
      ["none", "BOOT_AGGREGATE"],
    ],
    ["a program was not seen", { host: { programs: new Set() } }, ["none", "PROGRAMS_UNMEASURED"]],
    ["the log stands still", { stalled: true }, ["none", "LOG_STALLED"]],
    ["there is a gap", { host: { gap: "open" } }, ["none", "GAP"]],
    ["a gap was read again", { host: { gap: "resynced" } }, ["warning", "GAP_RESYNCED"]],
  ])("when %s", (_, given, expected) => {
    expect(summary(decisions(given).host)).toEqual(expected);
  });

  it("says what it does not cover", () => {
    expect(decisions({}).host.limits).toEqual(["BOOT_UNVERIFIED"]);
    const limits = new Set(["INTERPRETER"] as const);
    const host = { imaPolicyProven: false, findings: { reasons: [], limits } };
    expect(decisions({ host }).host.limits).toEqual([
      "BOOT_UNVERIFIED",
      "IMA_POLICY_UNPROVEN",
      "INTERPRETER",
    ]);
  });
});

describe("a namespace's verdict", () => {
  const badHost = { findings: { ...NO_FINDINGS, reasons: [bad] } };
  it.each<[string, Case, readonly string[]]>([
    ["nothing is wrong", {}, ["affirming"]],
    [
      "something was found",
      { namespace: { findings: { ...NO_FINDINGS, reasons: [bad] } } },
      ["contraindicated", "NOT_IN_ALLOWLIST"],
    ],
    [
      "it is unstable",
      { namespace: { unstable: [{ code: "DIGEST_UNSTABLE", detail: "" }] } },
      ["contraindicated", "DIGEST_UNSTABLE"],
    ],
    ["its image has no policy", { policies: { images: new Map() } }, ["none", "POLICY_MISSING"]],
    ["its image is not named", { namespace: { image: null } }, ["none", "POLICY_MISSING"]],
    ["it executed nothing", { namespace: { executed: false } }, ["none", "NO_EXECUTIONS"]],
    ["there is a gap", { namespace: { gap: "open" } }, ["none", "GAP"]],
    ["a gap was read again", { namespace: { gap: "resynced" } }, ["warning", "GAP_RESYNCED"]],
    ["its host is contraindicated", { host: badHost }, ["none", "HOST_CONTRAINDICATED"]],
    ["its host is a warning", { host: { gap: "resynced" } }, ["warning", "HOST_WARNING"]],
    ["nothing is known of its host", { stalled: true }, ["none", "HOST_UNPROVEN"]],
    [
      "it has findings of its own on a bad host",
      { host: badHost, namespace: { findings: { ...NO_FINDINGS, reasons: [bad] } } },
      ["contraindicated", "NOT_IN_ALLOWLIST", "HOST_CONTRAINDICATED"],
    ],
  ])("when %s", (_, given, expected) => {
    expect(summary(decisions(given).namespace)).toEqual(expected);
  });

  it("names the host's reasons", () => {
    const { reasons } = decisions({ stalled: true }).namespace;
    expect(reasons[0]?.detail).toBe("the host is none: LOG_STALLED");
  });

  it("says what it does not cover, and what is not covered of its host", () => {
    const limits = new Set(["ANONYMOUS_EXEC"] as const);
    const namespace = { privileged: true, image: null, findings: { reasons: [], limits } };
    const host = {
      imaPolicyProven: false,
      findings: { reasons: [], limits: new Set(["INTERPRETER"] as const) },
    };
    expect(decisions({ namespace, host }).namespace.limits).toEqual([
      "ANONYMOUS_EXEC",
      "BOOT_UNVERIFIED",
      "IMAGE_NOT_PINNED",
      "IMA_POLICY_UNPROVEN",
      "PRIVILEGED",
    ]);
  });

  it("is never better than its host's", () => {
    const order = ["contraindicated", "none", "warning", "affirming"];
    const gaps: GapState[] = ["none", "open", "resynced"];
    for (const hostGap of gaps) {
      for (const gap of gaps) {
        const { host, namespace } = decisions({ host: { gap: hostGap }, namespace: { gap } });
        expect(order.indexOf(namespace.tier)).toBeLessThanOrEqual(order.indexOf(host.tier));
      }
    }
  });
});
