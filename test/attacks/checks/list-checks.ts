// SPDX-License-Identifier: Apache-2.0

import type { Checks } from "./check.ts";

const LIST = "ns-ima/src/list/measurement-list.ts";
const FIELD = "ns-ima/src/list/template-field.ts";
const REPLAY = "ns-ima/src/list/replay.ts";

/** What makes the host list the one that PCR 10 stands for. */
export const LIST_CHECKS = {
  "list-replay": {
    file: REPLAY,
    excerpt: "if (Buffer.compare(pcr, quotedPcr10) === 0) {",
    without: "if (matched === entries.length) {",
    guards: "the list is what PCR 10 was extended with",
  },
  "list-pcr-foreign": {
    file: REPLAY,
    excerpt: "if (entry.pcr !== IMA_PCR) {",
    without: "if (false) {",
    guards: "no record of another PCR is replayed",
  },
  "list-violation": {
    file: REPLAY,
    excerpt: "violation ? VIOLATION : templateDigest",
    without: "templateDigest",
    guards: "a violation is replayed as the kernel extends it",
    tests: [
      {
        file: "ns-ima/src/list/replay.test.ts",
        title: "matches each prefix, the violation included",
      },
    ],
  },
  "list-digest": {
    file: LIST,
    excerpt: 'if (!violation && Buffer.compare(listDigest, digestOf("sha1", data)) !== 0) {',
    without: "if (false) {",
    guards: "a record has the digest that the list gives for it",
  },
  "list-pcr-number": {
    file: LIST,
    excerpt: "if (pcr >= PCR_COUNT) {",
    without: "if (false) {",
    guards: "a record begins with a PCR",
  },
  "list-limit": {
    file: LIST,
    excerpt: "if (length > limit) {",
    without: "if (false) {",
    guards: "a length in a record does not decide how much is read",
  },
  "list-template": {
    file: LIST,
    excerpt: "if (template === undefined) {",
    without: "if (false) {",
    guards: "only templates that are pinned are read",
  },
  "list-fields-end": {
    file: FIELD,
    excerpt: "    reader.end();\n",
    without: "",
    guards: "a record has no byte beyond its fields",
  },
  "list-algorithm": {
    file: FIELD,
    excerpt:
      'if (!ALGORITHM.test(algorithm)) throw new Error("d-ng does not begin with an algorithm");',
    without: "",
    guards: "a digest begins with its algorithm",
  },
  "list-digest-nul": {
    file: FIELD,
    excerpt: 'if (reader.u8() !== 0) throw new Error("d-ng has no NUL after the algorithm");',
    without: "reader.u8();",
    guards: "the algorithm ends where the kernel ends it",
  },
  "list-digest-size": {
    file: FIELD,
    excerpt: "if (value.length === 0 || value.length > DIGEST_MAX) {",
    without: "if (false) {",
    guards: "a digest has a digest's size",
  },
  "list-path": {
    file: FIELD,
    excerpt: 'if (reader.u8() !== 0 || path.includes("\\0")) {',
    without: "reader.u8();\n  if (false) {",
    guards: "a path ends at its first NUL",
  },
  "list-signature": {
    file: FIELD,
    excerpt: 'if (!SIGNATURE_TYPES.includes(bytes[0])) throw new Error("sig holds no signature");',
    without: "",
    guards: "a signature field holds a signature",
  },
  "list-buffer-hash": {
    file: FIELD,
    excerpt:
      'if (!isHashName(algorithm)) throw new Error("buf has a digest that cannot be checked");',
    without: "if (!isHashName(algorithm)) return bytes;",
    guards: "a buffer's digest can be checked",
  },
  "list-buffer-digest": {
    file: FIELD,
    excerpt: "if (Buffer.compare(digestOf(algorithm, bytes), value) !== 0) {",
    without: "if (false) {",
    guards: "a buffer has the digest of its record",
  },
} as const satisfies Checks;
