// SPDX-License-Identifier: Apache-2.0
/* biome-ignore-all lint/suspicious/noTemplateCurlyInString: excerpts of sources, with the placeholders that they have */

import type { Checks } from "./check.ts";

const LOG = "ns-ima/src/log/namespace-log.ts";

/** What makes the namespace log the one that PCR 13 stands for. */
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
    tests: [
      {
        file: "ns-ima/src/log/namespace-log.test.ts",
        title: "refuses to open a namespace twice, also in a later evidence, and the host at all",
      },
    ],
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
    excerpt: "if (this.#tags.get(keyOf(tag)) !== ns) {",
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
} as const satisfies Checks;
