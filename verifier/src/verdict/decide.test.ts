// SPDX-License-Identifier: Apache-2.0

import {
  type GapState,
  type JoinedExecution,
  LayeredMap,
  type NamespaceId,
} from "@nsattest/ns-ima";
import { describe, expect, it } from "vitest";
import { IMAGE, MONITOR } from "../../../test/fakes/fake-node.ts";
import { policyDocuments } from "../../../test/fakes/verifier-bench.ts";
import type { BootReference } from "../boot/boot-reference.ts";
import type { ProvenBoot } from "../boot/proven-boot.ts";
import { type PolicySet, parsePolicySet } from "../policy/policy-set.ts";
import {
  type Decided,
  type DecisionContext,
  decide,
  NOTHING_DECIDED,
  saysTheSame,
} from "./decide.ts";
import type { Decision } from "./decision.ts";
import { NO_FINDINGS } from "./findings.ts";
import { type HostJudgement, type NamespaceJudgement, NOTHING_JUDGED } from "./judgement.ts";
import type { VerdictReason } from "./reason.ts";

const policies = parsePolicySet(policyDocuments());
const bad: VerdictReason = { code: "NOT_IN_ALLOWLIST", path: "/x", detail: "" };
const written: VerdictReason = { code: "VIOLATION", detail: "" };

const waits: JoinedExecution = {
  ns: "web/1",
  execution: { how: "exec", path: "/x", digest: null, fsMagic: 0, flags: 0 },
  marks: 1,
};
const AGGREGATE = "sha256:aa";
const goodHost: HostJudgement = {
  gap: "none",
  unmeasured: false,
  violations: 0,
  findings: NO_FINDINGS,
  waiting: [],
  waitingEntries: [],
  aggregate: AGGREGATE,
  boot: null,
  kexec: false,
  programs: [MONITOR.path],
  imaPolicyProven: true,
};
const goodNamespace: NamespaceJudgement = {
  gap: "none",
  unmeasured: false,
  violations: 0,
  findings: NO_FINDINGS,
  waiting: [],
  image: IMAGE,
  privileged: false,
  executed: true,
  unstable: [],
};

interface Case {
  readonly host?: Partial<HostJudgement>;
  readonly namespace?: Partial<NamespaceJudgement>;
  readonly policies?: Partial<PolicySet>;
  readonly stalled?: boolean;
  readonly reference?: BootReference | null;
}

const IDS: readonly NamespaceId[] = ["host", "web/1"];

function judgementOf({ host, namespace }: Case): typeof NOTHING_JUDGED {
  const namespaces = new Map([["web/1", { ...goodNamespace, ...namespace }]]);
  return {
    ...NOTHING_JUDGED,
    host: { ...goodHost, ...host },
    namespaces: new LayeredMap<NamespaceId, NamespaceJudgement>().with(namespaces),
  };
}

function contextOf({
  policies: changed,
  stalled = false,
  reference = null,
}: Case): DecisionContext {
  return { policies: { ...policies, ...changed }, stalled, reference };
}

function decided(given: Case, past: Decided = NOTHING_DECIDED): Decided {
  return decide(past, judgementOf(given), () => IDS, contextOf(given));
}

function decisions(given: Case): { host: Decision; namespace: Decision } {
  const { host, namespaces } = decided(given);
  const namespace = namespaces.get("web/1");
  if (!namespace) throw new Error("nothing was decided of the namespace");
  return { host, namespace };
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
    ["the list begins elsewhere", { host: { aggregate: null } }, ["none", "BOOT_AGGREGATE"]],
    ["another kernel started this one", { host: { kexec: true } }, ["none", "KEXEC_LIST"]],
    ["something may be signed", { host: { waiting: [waits] } }, ["none", "SIGNATURE_PENDING"]],
    [
      "something waits for a policy",
      { host: { waiting: [waits] }, policies: { host: null } },
      ["none", "POLICY_MISSING"],
    ],
    [
      "there is a finding to warn of",
      { host: { findings: { ...NO_FINDINGS, warnings: [written] } } },
      ["warning", "VIOLATION"],
    ],
    ["a program was not seen", { host: { programs: [] } }, ["none", "PROGRAMS_UNMEASURED"]],
    ["the log stands still", { stalled: true }, ["none", "LOG_STALLED"]],
    ["there is a gap", { host: { gap: "open" } }, ["none", "GAP"]],
    ["it ran unseen", { host: { gap: "open", unmeasured: true } }, ["none", "UNMEASURED"]],
    ["a gap was read again", { host: { gap: "resynced" } }, ["warning", "GAP_RESYNCED"]],
  ])("when %s", (_, given, expected) => {
    expect(summary(decisions(given).host)).toEqual(expected);
  });

  it("says what it does not cover", () => {
    const unproven = ["BOOT_UNVERIFIED", "IMA_POLICY_UNPROVEN"];
    expect(decisions({}).host.limits).toEqual(unproven);
    const limits = ["INTERPRETER"] as const;
    const host = { findings: { ...NO_FINDINGS, limits } };
    expect(decisions({ host }).host.limits).toEqual([...unproven, "INTERPRETER"]);
  });

  describe("where a boot is expected", () => {
    const kernel = { pcr: 4, type: "EV_IPL", what: "kernel", digests: new Set(["sha256:01"]) };
    const line = { pcr: 9, type: "EV_EVENT_TAG", what: "", digests: new Set(["sha256:02"]) };
    const reference: BootReference = {
      name: "lab",
      events: [kernel, line].map((event) => ({ ...event, optional: false })),
      commandLines: new Map([["sha256:02", "ima_policy=tcb"]]),
    };
    const booted = (...digests: readonly string[]): ProvenBoot => ({
      events: digests.map((digest) => {
        const { pcr, type } = digest === "sha256:02" ? line : kernel;
        return { pcr, type, text: digest === "sha256:01" ? "vmlinuz" : "", digest };
      }),
      pcrs: new Map(),
      aggregates: new Map([["sha256", AGGREGATE]]),
    });
    const good = booted("sha256:01", "sha256:02");

    it.each<[string, Partial<HostJudgement>, readonly string[], readonly string[]]>([
      ["it was that one", {}, ["affirming"], []],
      [
        "there is no log",
        { boot: null },
        ["none", "BOOT_LOG_MISSING"],
        ["BOOT_UNVERIFIED", "IMA_POLICY_UNPROVEN"],
      ],
      [
        "the policy was not seen",
        { imaPolicyProven: false },
        ["affirming"],
        ["IMA_POLICY_UNPROVEN"],
      ],
      [
        "another kernel was booted",
        { boot: booted("sha256:03", "sha256:02") },
        ["contraindicated", "BOOT_EVENT_UNEXPECTED"],
        [],
      ],
      [
        "the command line is missing",
        { boot: booted("sha256:01") },
        ["contraindicated", "BOOT_EVENT_MISSING"],
        ["IMA_POLICY_UNPROVEN"],
      ],
      [
        "the aggregate is another",
        { aggregate: "sha256:bb" },
        ["contraindicated", "BOOT_AGGREGATE_MISMATCH"],
        [],
      ],
      ["there is no aggregate", { aggregate: null }, ["none", "BOOT_AGGREGATE"], []],
    ])("and %s", (_, change, expected, limits) => {
      const { host } = decisions({ host: { boot: good, ...change }, reference });
      expect(summary(host)).toEqual(expected);
      expect(host.limits).toEqual(limits);
    });

    it("names what is not as it should be, and what should be in its place", () => {
      const details = (boot: ProvenBoot): readonly string[] =>
        decisions({ host: { boot }, reference }).host.reasons.map(({ detail }) => detail);
      expect(details(booted("sha256:03"))).toEqual([
        "PCR 4 EV_IPL: the reference lab has sha256:01",
        "PCR 9 EV_EVENT_TAG: the reference lab has it, the boot has not",
      ]);
      const other = { pcr: 5, type: "EV_IPL", text: "grub", digest: "sha256:04" };
      expect(details({ ...good, events: [...good.events, other] })).toEqual([
        "PCR 5 EV_IPL grub: the reference lab has nothing of the kind",
      ]);
      const many = Array.from(
        { length: 20 },
        (_, index) => `sha256:${`${index}`.padStart(64, "0")}`,
      );
      const long = { ...kernel, digests: new Set(many), optional: false };
      const [detail = ""] = decisions({
        host: { boot: good },
        reference: { ...reference, events: [long] },
      }).host.reasons.map((reason) => reason.detail);
      expect(detail).toMatch(/^PCR 4 EV_IPL vmlinuz: .*…$/);
      expect(detail).toHaveLength(501);
    });
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
    ["it ran unseen", { namespace: { gap: "open", unmeasured: true } }, ["none", "UNMEASURED"]],
    ["something may be signed", { namespace: { waiting: [waits] } }, ["none", "SIGNATURE_PENDING"]],
    [
      "something waits for a policy",
      { namespace: { waiting: [waits] }, policies: { images: new Map() } },
      ["none", "POLICY_MISSING"],
    ],
    [
      "there is a finding to warn of",
      { namespace: { findings: { ...NO_FINDINGS, warnings: [written] } } },
      ["warning", "VIOLATION"],
    ],
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
    const limits = ["ANONYMOUS_EXEC"] as const;
    const namespace = { privileged: true, image: null, findings: { ...NO_FINDINGS, limits } };
    const host = {
      imaPolicyProven: false,
      findings: { ...NO_FINDINGS, limits: ["INTERPRETER"] as const },
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

describe("what was decided before", () => {
  it("stays the same where nothing else is said", () => {
    const first = decided({});
    const again = decide(first, first.judgement, () => [], contextOf({}));
    expect(again).toBe(first);
    const second = decided({ namespace: { violations: 1 } }, first);
    expect(second.namespaces).toBe(first.namespaces);
    expect(saysTheSame(first, second)).toBe(true);
  });

  it.each<[string, Case]>([
    ["the host", { host: { aggregate: null } }],
    ["the namespace", { namespace: { executed: false } }],
    ["the policies", { policies: { version: "other" } }],
    ["the time that entries wait", { stalled: true }],
  ])("is not what is said after %s changed", (_, given) => {
    const first = decided({});
    const second = decided(given, first);
    expect(saysTheSame(first, second)).toBe(false);
    expect(second.host).toEqual(decided(given).host);
    expect(second.namespaces.get("web/1")).toEqual(decided(given).namespaces.get("web/1"));
  });

  it("says the same of a namespace when only the host is judged anew", () => {
    const first = decided({});
    const judgement = { ...first.judgement, host: { ...first.judgement.host, violations: 1 } };
    const second = decide(first, judgement, () => IDS, contextOf({}));
    expect(saysTheSame(first, second)).toBe(true);
  });
});
