// SPDX-License-Identifier: Apache-2.0
/* biome-ignore-all lint/suspicious/noTemplateCurlyInString: excerpts of sources, with the placeholders that they have */

import type { Checks } from "./check.ts";

const LOG = "ns-ima/src/log/namespace-log.ts";
const JOIN = "ns-ima/src/join/join.ts";
const DRAFT = "ns-ima/src/join/join-draft.ts";
const SECOND_LINE = "test/attacks/second-line.test.ts";

/** What makes the namespace log the one that PCR 13 stands for, and who answers for what. */
export const LOG_CHECKS = {
  "log-replay": {
    file: LOG,
    excerpt: "if (Buffer.compare(pcr, quotedPcr) !== 0) {",
    without: "if (false) {",
    guards: "the log is what PCR 13 was extended with, all of it and nothing else",
  },
  "log-baseline": {
    file: LOG,
    excerpt: "if (!isZero(event.baseline)) throw baselineError();",
    without: "",
    guards: "the log begins over a PCR 13 of zeros",
  },
  "log-baseline-name": {
    file: LOG,
    excerpt: "throw confessesBaseline(state, batches, decodeEvent)",
    without: "throw false",
    guards: "a log that began over another value is called that",
  },
  "log-boot": {
    file: LOG,
    excerpt: 'if ((event.kind === "boot") !== (this.boot === null)) {',
    without: "if (false) {",
    guards: "a log has one beginning",
  },
  "log-boot-missing": {
    file: LOG,
    excerpt:
      'if (reader.boot === null) throw new NsImaError("LOG_BOOT", "a log without a boot event");',
    without: "",
    guards: "a log that says nothing is none",
  },
  "log-reopened": {
    file: LOG,
    excerpt: "if (this.#namespaces.has(ns)) {",
    without: "if (false) {",
    guards: "a namespace begins once",
  },
  "log-tag-reused": {
    file: LOG,
    excerpt: "if (owner !== undefined) {",
    without: "if (false) {",
    guards: "a tag belongs to one namespace",
  },
  "log-namespace-unknown": {
    file: LOG,
    excerpt: "if (!this.#namespaces.has(ns)) {",
    without: "if (false) {",
    guards: "nothing happens in a namespace that was not opened",
  },
  "log-tag-foreign": {
    file: LOG,
    excerpt: "if (this.#tags.get(hex(tag)) !== ns) {",
    without: "if (false) {",
    guards: "an event has the tag of its namespace",
  },
  "log-batch-empty": {
    file: "ns-ima/src/log/anchor.ts",
    excerpt:
      'if (batch.length === 0) throw new NsImaError("LOG_BATCH_EMPTY", "a batch without records");',
    without: "",
    guards: "PCR 13 does not move without a record",
  },
  "log-batch-size": {
    file: "ns-ima/src/log/anchor.ts",
    excerpt: "new ByteWriter().u8(BATCH).u32(batch.length);",
    without: "new ByteWriter().u8(BATCH);",
    guards: "a batch is hashed with the number of its records",
    tests: [{ file: "ns-ima/src/log/anchor.test.ts", title: "follows the vectors in" }],
  },
  "log-record": {
    file: "ns-ima/src/log/leaf.ts",
    excerpt: "if (record.tag.length !== TAG_SIZE || record.salt.length !== TAG_SIZE) {",
    without: "if (false) {",
    guards: "a leaf has one reading",
    tests: [{ file: "ns-ima/src/log/anchor.test.ts", title: "a short tag" }],
  },
  "mark-beyond-list": {
    file: DRAFT,
    excerpt: 'if (!facts) {\n      throw new NsImaError("MARK_BEYOND_LIST"',
    without:
      'if (!facts) return this.entryAt(0);\n    if (!facts) {\n      throw new NsImaError("MARK_BEYOND_LIST"',
    guards: "a mark is about entries that are proven",
  },
  "mark-decreases": {
    file: JOIN,
    excerpt: "if (event.index < draft.mark) {",
    without: "if (false) {",
    guards: "what is settled stays settled",
  },
  "join-reopened": {
    file: DRAFT,
    excerpt: "if (this.#namespaces.has(ns)) {",
    without: "if (false) {",
    guards: "the join keeps what it knows of a namespace, whoever replayed the log",
    tests: [{ file: SECOND_LINE, title: "joins no namespace that is opened twice" }],
  },
  "join-unknown": {
    file: DRAFT,
    excerpt: 'if (!facts) throw new NsImaError("LOG_NAMESPACE_UNKNOWN", `${ns} was not opened`);',
    without: "",
    guards: "the join joins nothing to nobody, whoever replayed the log",
    tests: [{ file: SECOND_LINE, title: "joins nothing of a namespace that was not opened" }],
  },
  "owner-attach": {
    file: JOIN,
    excerpt: "draft.mark = event.hostEntries;",
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
    excerpt: 'if (owner !== "unowned" && owner !== "host") draft.settle(index, "host");',
    without: 'draft.settle(index, "host");',
    guards: "an owner that comes late relieves nobody",
  },
  "owner-mark": {
    file: JOIN,
    excerpt: ".filter((index) => index < draft.mark);",
    without:
      ';\n  for (const i of settled) if (draft.owners.get(i) === "unowned") draft.settle(i, asOwner(actorOf(claim, false)));',
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
    excerpt: "if (ns !== HOST && this.#violations.has(HOST)) continue;",
    without: "",
    guards: "violations are taken by the host before all others",
  },
  "owner-violation-count": {
    file: DRAFT,
    excerpt:
      "if (count > 1) this.#violations.set(ns, count - 1);\n      else this.#violations.delete(ns);",
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
    excerpt: "else if (!draft.hasRun(ns, contentKey) && !draft.hasMissed(ns)) {",
    without: "else if (false) {",
    guards: "who owns an entry has executed its content",
  },
  "content-zero": {
    file: JOIN,
    excerpt:
      'if (contentKey === null) draft.accuse(ns, { reason: "zero-digest", path, digest: null });',
    without: "if (contentKey === null) return;",
    guards: "an entry without a digest is held against its container",
  },
  "content-unknown": {
    file: JOIN,
    excerpt: 'if (ns !== HOST && how !== "anonymous" && digestKey(digest) === null) {',
    without: "if (false) {",
    guards: "an execution without a digest is held against its container",
  },
  "content-violation": {
    file: JOIN,
    excerpt:
      'if (event.ns !== HOST) draft.accuse(event.ns, { reason: "violation", path: "", digest: null });',
    without: "",
    guards: "a violation is held against the container that caused it",
  },
  "gap-own": {
    file: JOIN,
    excerpt: "else draft.update(event.ns, { gapAt: draft.events });",
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
    excerpt: "shared > facts.openedAt ? shared : NEVER",
    without: "NEVER",
    guards: "a gap of the host is one of everybody",
  },
  "gap-blame": {
    file: JOIN,
    excerpt: "if (LOSES_CLAIMS.has(event.reason)) draft.losing = true;",
    without: "",
    guards: "nobody is blamed for an entry whose owner is known to be lost",
  },
} as const satisfies Checks;
