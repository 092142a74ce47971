// SPDX-License-Identifier: Apache-2.0
/* biome-ignore-all lint/suspicious/noTemplateCurlyInString: excerpts of sources, with the placeholders that they have */

import type { Checks } from "./check.ts";

const JOIN = "ns-ima/src/join/join.ts";
const DRAFT = "ns-ima/src/join/join-draft.ts";
const SECOND_LINE = "test/attacks/second-line.test.ts";

/** Who answers for what. */
export const JOIN_CHECKS = {
  "mark-beyond-list": {
    file: DRAFT,
    excerpt: "if (index > this.entries) {",
    without: "if (false) {",
    guards: "a mark is about entries that are proven",
  },
  "mark-decreases": {
    file: JOIN,
    excerpt: "if (end < draft.mark) {",
    without: "if (false) {",
    guards: "what is settled stays settled",
  },
  "join-reopened": {
    file: DRAFT,
    excerpt: "if (this.#facts.has(id)) {",
    without: "if (false) {",
    guards: "the join keeps what it knows of a namespace, whoever replayed the log",
    tests: [{ file: SECOND_LINE, title: "joins no namespace that is opened twice" }],
  },
  "join-unknown": {
    file: DRAFT,
    excerpt: 'if (!facts) throw new NsImaError("LOG_NAMESPACE_UNKNOWN", `${id} was not opened`);',
    without:
      'if (!facts) return newNamespace({ id, number: 0, openedAt: 0, declared: true, privileged: [], labels: [], runtime: "" });',
    guards: "the join joins nothing to nobody, whoever replayed the log",
    tests: [{ file: SECOND_LINE, title: "joins nothing of a namespace that was not opened" }],
  },
  "owner-attach": {
    file: JOIN,
    excerpt: "draft.mark = hostEntries;",
    without: "",
    guards: "entries from before the log are the host's",
  },
  "owner-host-first": {
    file: "ns-ima/src/join/claim.ts",
    excerpt:
      "return actors.has(HOST) ? [HOST, ...[...actors].filter((ns) => ns !== HOST)] : [...actors];",
    without: "return [...actors];",
    guards: "the host answers for an entry that it has claimed as well",
  },
  "owner-late-claim": {
    file: JOIN,
    excerpt: 'if (owner !== "unowned" && owner !== "host") draft.relieve(index);',
    without: 'if (owner !== "host") draft.relieve(index);',
    guards: "an owner that comes late relieves nobody",
  },
  "owner-mark": {
    file: JOIN,
    excerpt: "const actor = actorOf(claim, draft.isRuntime(first));",
    without: `const actor = actorOf(claim, draft.isRuntime(first));
  if (draft.ownerOf(first) === "unowned") draft.settle(first, asOwner(actor));`,
    guards: "a claim counts when it stands before the mark",
  },
  "owner-unowned": {
    file: JOIN,
    excerpt: 'if (!draft.losing) return "unowned";',
    without: 'if (!draft.losing) return "host";',
    guards: "an entry that nobody caused is not explained by a policy",
  },
  "owner-violation": {
    file: DRAFT,
    excerpt: "if (id !== HOST && this.#violations.has(HOST)) continue;",
    without: "",
    guards: "violations are taken by the host before all others",
  },
  "owner-violation-count": {
    file: DRAFT,
    excerpt:
      "if (count > 1) this.#violations.set(id, count - 1);\n      else this.#violations.delete(id);",
    without: "",
    guards: "who announced one violation answers for one",
  },
  "owner-runtime": {
    file: "ns-ima/src/join/claim.ts",
    excerpt: "return claim.onHost && isRuntimeFile ? HOST : claim.ns;",
    without: "return claim.onHost ? HOST : claim.ns;",
    guards: "a runtime is known by its digest, not by where its task stands",
  },
  "owner-runtime-place": {
    file: "ns-ima/src/join/claim.ts",
    excerpt: "return (flags & ON_HOST) === ON_HOST;",
    without: "return true;",
    guards: "a runtime's file inside a container is the container's",
  },
  "content-executed": {
    file: JOIN,
    excerpt: "else if (!draft.hasRun(ns, digest) && !draft.hasMissed(ns)) {",
    without: "else if (false) {",
    guards: "who owns an entry has executed its content",
  },
  "content-zero": {
    file: JOIN,
    excerpt:
      'if (!namesContent(digest)) draft.accuse(ns, { reason: "zero-digest", path, digest: null });',
    without: "if (!namesContent(digest)) return;",
    guards: "an entry without a digest is held against its container",
  },
  "content-unknown": {
    file: JOIN,
    excerpt: 'else if (how !== "anonymous" && !namesContent(digest)) {',
    without: "else if (false) {",
    guards: "an execution without a digest is held against its container",
  },
  "content-writable": {
    file: JOIN,
    excerpt: "if ((flags & EventFlag.CODE_WRITABLE) !== 0)",
    without: "if (false)",
    guards: "an execution of what somebody could write to is held against its container",
  },
  "content-rewritten": {
    file: JOIN,
    excerpt: "if ((flags & EventFlag.OTHERS_CODE) === 0)",
    without: "if (false)",
    guards: "code that was opened for writing is held against the container that runs it",
  },
  "content-others": {
    file: JOIN,
    excerpt: 'if (how === "rewrite") {',
    without: 'if (how === "rewrite" && (flags & EventFlag.OTHERS_CODE) === 0) {',
    guards: "nobody is blamed for writing to what only others execute",
  },
  "cgroup-escape": {
    file: JOIN,
    excerpt: "if (ns !== HOST && (flags & EventFlag.ESCAPED) !== 0) {",
    without: "if (false) {",
    guards: "what a container does in the cgroup of another is held against it",
  },
  "content-violation": {
    file: "verifier/src/verdict/judge.ts",
    excerpt:
      'findings: withFindings(findings, judgeViolations(violated, policy?.violations ?? "fail")),',
    without: "findings,",
    guards: "a violation is held against the container that caused it",
  },
  "gap-own": {
    file: DRAFT,
    excerpt: "this.update(id, { gapAt: this.events });",
    without: "",
    guards: "what was lost of a namespace is not taken for seen",
  },
  "gap-each": {
    file: "ns-ima/src/join/namespace-facts.ts",
    excerpt: 'return facts.resyncAt > last ? "resynced" : "open";',
    without: 'return facts.resyncAt > NEVER ? "resynced" : "open";',
    guards: "each gap needs a resync of its own",
  },
  "gap-host": {
    file: "ns-ima/src/join/namespace-facts.ts",
    excerpt: "shared > facts.opened.openedAt ? shared : NEVER",
    without: "NEVER",
    guards: "a gap of the host is one of everybody",
  },
  "gap-blame": {
    file: JOIN,
    excerpt: "if (LOSES_CLAIMS.has(reason)) draft.losing = true;",
    without: "",
    guards: "nobody is blamed for an entry whose owner is known to be lost",
  },
  "join-host-first": {
    file: DRAFT,
    excerpt: "if ((id === HOST) !== (number === 0)) {",
    without: "if (false) {",
    guards: "nobody is numbered before the host, whose number the owners are kept by",
    tests: [{ file: SECOND_LINE, title: "joins no namespace before the host" }],
  },
} as const satisfies Checks;
