// SPDX-License-Identifier: Apache-2.0
/* biome-ignore-all lint/suspicious/noTemplateCurlyInString: excerpts of sources, with the placeholders that they have */

import type { Checks } from "./check.ts";

const LIST = "ns-ima/src/list/measurement-list.ts";
const RECORD = "ns-ima/src/list/record-reader.ts";
const DATA = "ns-ima/src/list/template-data.ts";
const FIELD = "ns-ima/src/list/template-field.ts";
const REPLAY = "ns-ima/src/list/replay.ts";
const MISMATCH = "ns-ima/src/list/mismatch.ts";

/** What makes the host list the one that the pinned PCRs stand for. */
export const LIST_CHECKS = {
  "list-replay": {
    file: REPLAY,
    excerpt: "if (!reader.next()) return null;",
    without: "if (!reader.next()) break;",
    guards: "the list is what the pinned PCRs were extended with",
  },
  "list-violation": {
    file: REPLAY,
    excerpt: "way.chain.extendViolation();",
    without: "way.chain.extend(latin1DigestOf(bankHash, reader.hashed));",
    guards: "a record that is called a violation was extended as one",
  },
  "list-pcr-foreign": {
    file: REPLAY,
    excerpt: "if (way === undefined) throw unpinned(reader, pins);",
    without:
      'if (way === undefined) {\n      contents.push(readContent(reader, ""));\n      continue;\n    }',
    guards: "no record of a PCR that is not pinned is taken for proven",
  },
  "list-pcr-quoted": {
    file: REPLAY,
    excerpt: "if (quoted?.length !== target.length) {",
    without: "if (false) {",
    guards: "each pinned PCR has a quoted value",
    tests: [{ file: "ns-ima/src/list/replay.test.ts", title: "a value of another bank, and none" }],
  },
  "list-padded": {
    file: REPLAY,
    excerpt: "if (state.pins.paddedSha1 && state.entries === 0) {",
    without: "if (state.entries === 0) {",
    guards: "SHA-1 vouches for a list only where it is pinned to",
  },
  "list-pcr-all": {
    file: REPLAY,
    excerpt: "if (way.arrived) missing++;",
    without: "",
    guards: "all pinned PCRs have their values at once",
  },
  "list-head": {
    file: MISMATCH,
    excerpt: "if (entries === 0 && !begins) {",
    without: "if (false) {",
    guards: "a list without its beginning is called that",
  },
  "list-shrank": {
    file: MISMATCH,
    excerpt: "if (entries > 0 && begins) {",
    without: "if (false) {",
    guards: "a list that begins anew is called that",
  },
  "list-digest": {
    file: LIST,
    excerpt: "if (!violation && Buffer.compare(listDigest, digestOf(column, hashed)) !== 0) {",
    without: "if (false) {",
    guards: "a record that was changed is named",
  },
  "list-pcr-number": {
    file: RECORD,
    excerpt: "if (this.pcr >= PCR_COUNT) throw this.#noPcr();",
    without: "",
    guards: "a record begins with a PCR",
  },
  "list-limit": {
    file: RECORD,
    excerpt: "if (length > limit) {",
    without: "if (false) {",
    guards: "a length in a record does not decide how much is read",
  },
  "list-template": {
    file: RECORD,
    excerpt: "if (this.#templates === null) {",
    without: "if (true) {",
    guards: "only templates that are pinned are read",
  },
  "list-fields-end": {
    file: DATA,
    excerpt: '  reader.end();\n  if (name === "ima-buf"',
    without: '  if (name === "ima-buf"',
    guards: "a record has no byte beyond its fields",
  },
  "list-legacy": {
    file: DATA,
    excerpt:
      'if (bytes.length > LEGACY_PATH_MAX || bytes.includes(0)) throw new Error("this is no path");',
    without: "",
    guards: "a path of the oldest template is one",
    tests: [
      {
        file: "test/attacks/template-fields.test.ts",
        title: "refuses a path that is none in a record of ima",
      },
    ],
  },
  "list-buffer-hash": {
    file: DATA,
    excerpt:
      'if (!isHashName(algorithm)) throw new Error("buf has a digest that cannot be checked");',
    without: "if (!isHashName(algorithm)) return;",
    guards: "a buffer's digest can be checked",
  },
  "list-buffer-digest": {
    file: DATA,
    excerpt: "if (Buffer.compare(digestOf(algorithm, buffer), value) !== 0) {",
    without: "if (false) {",
    guards: "a buffer has the digest of its record",
  },
  "list-algorithm": {
    file: FIELD,
    excerpt: 'if (!ALGORITHM.test(name)) throw new Error("does not begin with an algorithm");',
    without: "",
    guards: "a digest begins with its algorithm",
  },
  "list-digest-nul": {
    file: FIELD,
    excerpt: 'if (value[colon + 1] !== 0) throw new Error("has no NUL after the algorithm");',
    without: "",
    guards: "the algorithm ends where the kernel ends it",
  },
  "list-digest-size": {
    file: FIELD,
    excerpt:
      "if (size <= 0 || size > DIGEST_MAX) throw new Error(`has a digest of ${size} bytes`);",
    without: "",
    guards: "a digest has a digest's size",
  },
  "list-digest-bare": {
    file: FIELD,
    excerpt:
      'if (value.length !== 20 && value.length !== 16) throw new Error("is neither SHA-1 nor MD5");',
    without: "",
    guards: "a digest without an algorithm is one of the two that it can be",
    tests: [
      {
        file: "test/attacks/template-fields.test.ts",
        title: "refuses a digest of no size in a record of ima",
      },
    ],
  },
  "list-digest-type": {
    file: FIELD,
    excerpt:
      'if (!isType(VERITY)) throw new Error("is neither a content\'s digest nor one of fs-verity");',
    without: "",
    guards: "a digest is of a content or of fs-verity, and says of which",
    tests: [
      {
        file: "test/attacks/template-fields.test.ts",
        title: "refuses a digest that does not say of what it is",
      },
    ],
  },
  "list-path": {
    file: FIELD,
    excerpt:
      'if (length < 0 || value.indexOf(0) !== length) throw new Error("does not end at its first NUL");',
    without: "",
    guards: "a path ends at its first NUL",
  },
  "list-path-short": {
    file: FIELD,
    excerpt:
      "if (value.length > LEGACY_PATH_MAX + 1) throw new Error(`has more than ${LEGACY_PATH_MAX} bytes`);",
    without: "",
    guards: "a short path is short",
    tests: [
      {
        file: "test/attacks/template-fields.test.ts",
        title: "refuses a path that is too long for its field",
      },
    ],
  },
  "list-signature": {
    file: FIELD,
    excerpt: 'if (!SIGNATURES.includes(type)) throw new Error("holds no signature");',
    without: "",
    guards: "a signature field holds a signature",
  },
  "list-other": {
    file: FIELD,
    excerpt: 'if (!isValid(value)) throw new Error("has not the form that the kernel writes");',
    without: "",
    guards: "owner, mode and attributes have the form that the kernel writes",
    tests: [
      {
        file: "test/attacks/template-fields.test.ts",
        title: "refuses an owner, a mode or attributes in another form",
      },
    ],
  },
} as const satisfies Checks;
