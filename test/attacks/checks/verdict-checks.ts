// SPDX-License-Identifier: Apache-2.0

import type { Checks } from "./check.ts";

const JUDGE = "verifier/src/verdict/judge.ts";
const JUDGE_HOST = "verifier/src/verdict/judge-host.ts";
const RULES = "verifier/src/verdict/host-rules.ts";
const HOST = "verifier/src/verdict/decide-host.ts";
const NAMESPACE = "verifier/src/verdict/decide-namespace.ts";

/** What a verdict asks for before it is affirming. */
export const VERDICT_CHECKS = {
  "verdict-execution": {
    file: JUDGE,
    excerpt: "reasons: judged.reasons,",
    without: "",
    guards: "each execution is asked about",
  },
  "verdict-unjudged": {
    file: "verifier/src/verdict/judge-waiting.ts",
    excerpt: "if (ask === undefined || all.length === 0) return { reasons: [], waiting: all };",
    without:
      "if (ask === undefined || all.length === 0) return { reasons: [], waiting: NOTHING_WAITS };",
    guards: "what ran while there was no policy is judged by the first one",
  },
  "verdict-judged-again": {
    file: JUDGE,
    excerpt: "const findings = withFindings(known?.findings ?? NO_FINDINGS, {",
    without: "const findings = withFindings(NO_FINDINGS, {",
    guards: "what was found stays found",
  },
  "verdict-changed": {
    file: "ns-ima/src/join/join-draft.ts",
    excerpt: "if (this.namespace(open).closed === null) this.changed.add(open);",
    without: "",
    guards: "a gap of the host reaches namespaces that do nothing",
  },
  "verdict-image": {
    file: JUDGE,
    excerpt: 'const image = labels.find(([key]) => key === "image")?.[1] ?? "";',
    without: 'const image = labels.find(([, value]) => IMAGE_DIGEST.test(value))?.[1] ?? "";',
    guards: "the policy is chosen by the image's digest and no other label",
  },
  "verdict-image-form": {
    file: JUDGE,
    excerpt: "const IMAGE_DIGEST = /(?:^|@)(sha256:[0-9a-f]{64})$/;",
    without: "const IMAGE_DIGEST = /(sha256:[0-9a-f]{64})/;",
    guards: "an image's name that contains a digest is not one with a digest",
  },
  "verdict-limits": {
    file: "verifier/src/verdict/findings.ts",
    excerpt: '...((flags & EventFlag.SCRIPT) !== 0 ? (["INTERPRETER"] as const) : []),',
    without: "",
    guards: "what an execution leaves open is said",
  },
  "verdict-limits-host": {
    file: NAMESPACE,
    excerpt: "...INHERITED.filter((limit) => host.limits.includes(limit)),",
    without: "",
    guards: "what is not known of the host is said of its namespaces",
  },
  "verdict-sha1": {
    file: "verifier/src/verdict/list-limit.ts",
    excerpt: "if (!isSha1Only(list) || findings.limits.includes(LIMIT)) return judgement;",
    without: "return judgement;",
    guards: "where SHA-1 alone vouches for a list, that is said",
  },
  "verdict-unstable": {
    file: NAMESPACE,
    excerpt: "const contraindicated = [...findings.reasons, ...unstable];",
    without: "const contraindicated = [...findings.reasons];",
    guards: "a namespace whose executions cannot be told fails",
  },
  "verdict-policy": {
    file: NAMESPACE,
    excerpt: "...(isBound ? [] : [withoutPolicy(image)]),",
    without: "",
    guards: "a namespace without a policy is not affirmed",
  },
  "verdict-executed": {
    file: NAMESPACE,
    excerpt: "...(executed ? [] : [NOTHING_EXECUTED]),",
    without: "",
    guards: "a namespace that did nothing is not affirmed",
  },
  "verdict-host-contraindicated": {
    file: NAMESPACE,
    excerpt: 'return { none: [{ code: "HOST_CONTRAINDICATED", detail }], warning: [] };',
    without: "return { none: [], warning: [] };",
    guards: "nothing is affirmed on a host that fails",
  },
  "verdict-host-unproven": {
    file: NAMESPACE,
    excerpt: 'return { none: [{ code: "HOST_UNPROVEN", detail }], warning: [] };',
    without: "return { none: [], warning: [] };",
    guards: "nothing is affirmed on a host that proves nothing",
  },
  "verdict-privileged": {
    file: JUDGE_HOST,
    excerpt: "const isHost = (ns: NamespaceId): boolean => ns === HOST || isPrivileged(ns);",
    without: "const isHost = (ns: NamespaceId): boolean => ns === HOST;",
    guards: "who can act as the host is judged as the host",
  },
  "verdict-privileged-entries": {
    file: JUDGE_HOST,
    excerpt: 'return typeof owner === "object" ? isHost(owner.ns) : owner === "host";',
    without: 'return owner === "host";',
    guards: "entries of a privileged container are judged as the host's",
  },
  "verdict-container-entry": {
    file: JUDGE_HOST,
    excerpt: 'typeof owner === "object" ? isHost(owner.ns) : owner === "host";',
    without: 'typeof owner === "object" || owner === "host";',
    guards: "no container can make the host fail",
  },
  "verdict-reasons": {
    file: "verifier/src/verdict/findings.ts",
    excerpt: ".slice(0, REASONS_MAX)",
    without: "",
    guards: "a namespace cannot fill the memory with findings",
  },
  "verdict-host-entry": {
    file: JUDGE_HOST,
    excerpt: "const found = entries.map(judgeEntry);",
    without: 'const found = entries.filter(({ owner }) => owner !== "host").map(judgeEntry);',
    guards: "each entry of the host is asked about",
  },
  "verdict-host-unowned": {
    file: JUDGE_HOST,
    excerpt: 'joined.entries.filter(({ owner }) => owner === "unowned").map(unownedReason);',
    without: "[] as VerdictReason[];",
    guards: "an entry that nobody owns fails the host",
  },
  "verdict-host-later-policy": {
    file: JUDGE_HOST,
    excerpt:
      "waitingEntries: entries ? NOTHING_WAITS : laterEntries(past.waitingEntries, joined.entries),",
    without: "waitingEntries: NOTHING_WAITS,",
    guards: "what the host did without a policy is judged by the first one",
  },
  "verdict-violation": {
    file: JUDGE_HOST,
    excerpt:
      "if (entry.digest === null) return violationFindings(policy.violations, writtenReason(entry));",
    without: "if (entry.digest === null) return {};",
    guards: "a violation of the host fails it",
  },
  "verdict-ima-policy": {
    file: RULES,
    excerpt: "if (path === policy.imaPolicy.path) {",
    without: "if (path === policy.imaPolicy.path) return [];\n  if (false) {",
    guards: "the node loaded the pinned IMA policy and no other",
  },
  "verdict-aggregate": {
    file: JUDGE_HOST,
    excerpt: "aggregate: past.aggregate ?? aggregateOf(joined.entries),",
    without: 'aggregate: "",',
    guards: "the list begins where the kernel began it",
  },
  "verdict-aggregate-place": {
    file: RULES,
    excerpt: "return entry.index === 0 && isBootAggregate(entry);",
    without: "return isBootAggregate(entry);",
    guards: "a file that calls itself boot_aggregate is a file",
  },
  "verdict-kexec": {
    file: JUDGE_HOST,
    excerpt:
      "kexec: past.kexec || joined.entries.some((entry) => isKexecAggregate(entry, attached)),",
    without: "kexec: false,",
    guards: "a kernel that another one started is not the one that was booted",
  },
  "verdict-kexec-place": {
    file: RULES,
    excerpt: "index > 0 && index < attached &&",
    without: "index > 0 &&",
    guards: "a file of that name that comes later is a file",
  },
  "verdict-programs": {
    file: HOST,
    excerpt: ".filter((program) => !programs.includes(program))",
    without: ".filter(() => false)",
    guards: "the node's own programs are the ones that the policy knows",
  },
  "verdict-programs-owner": {
    file: JUDGE_HOST,
    excerpt: "programs: own.flatMap((entry) => programOf(policy, entry) ?? []),",
    without: "programs: entries.flatMap((entry) => programOf(policy, entry) ?? []),",
    guards: "a program of ours counts when the host read it",
  },
  "verdict-programs-listed": {
    file: RULES,
    excerpt: 'return outcome === "allowed" ? path : undefined;',
    without: 'return outcome === "allowed" || outcome === "excluded" ? path : undefined;',
    guards: "a program of ours counts by its digest, not by an exclude",
  },
  "verdict-host-policy": {
    file: HOST,
    excerpt: "...(policy ? programReasons(policy, judgement) : [NO_POLICY]),",
    without: "...(policy ? programReasons(policy, judgement) : []),",
    guards: "a host without a policy is not affirmed",
  },
  "verdict-stalled": {
    file: HOST,
    excerpt: "...(stalled ? [STALLED] : []),",
    without: "",
    guards: "entries wait for a mark for a bounded time",
  },
  "verdict-stalled-since": {
    file: "verifier/src/history.ts",
    excerpt: "now: round.received, pendingSeconds",
    without: "now: Date.now() + 1e9, pendingSeconds",
    guards: "stored evidence is appraised at the time it came",
  },
} as const satisfies Checks;
