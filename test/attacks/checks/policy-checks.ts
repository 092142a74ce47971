// SPDX-License-Identifier: Apache-2.0
/* biome-ignore-all lint/suspicious/noTemplateCurlyInString: excerpts of sources, with the placeholders that they have */

import type { Checks } from "./check.ts";

const EXCLUDES = "ns-ima/src/policy/excludes.ts";
const EXCLUDES_TEST = "ns-ima/src/policy/excludes.test.ts";
const EVALUATE = "ns-ima/src/policy/evaluate.ts";

/** What a policy allows, and what is a policy. */
export const POLICY_CHECKS = {
  "policy-denied": {
    file: EVALUATE,
    excerpt: 'if (reason !== undefined) return { outcome: "denied", reason };',
    without: "",
    guards: "what is denied is denied, whatever else allows it",
  },
  "policy-listed": {
    file: EVALUATE,
    excerpt: "if (table.has(path)) {",
    without: "if (table.has(path) && signatures.length === 0) {",
    guards: "a listed path has the listed content, signed or not",
  },
  "policy-algorithm": {
    file: EVALUATE,
    excerpt: 'const isStrong = digest.algorithm === "sha256";',
    without: 'const isStrong = true; if (digest.algorithm !== "sha256") return BY_DIGEST;',
    guards: "a digest of a broken hash proves nothing",
  },
  "policy-path": {
    file: EVALUATE,
    excerpt: "return signature === undefined ? { outcome } : { outcome, signature };",
    without: "return EXCLUDED;",
    guards: "what is not listed is not allowed",
  },
  "policy-digest": {
    file: EVALUATE,
    excerpt: "if (isStrong && table.allows(path, digest.value)) return BY_DIGEST;",
    without: "if (isStrong && table.has(path)) return BY_DIGEST;",
    guards: "a listed path has the listed content",
  },
  "policy-zeros": {
    file: "ns-ima/src/policy/runtime-policy.ts",
    excerpt: "const USABLE_DIGEST = /^(?!0*$)[0-9a-f]{64}$/;",
    without: "const USABLE_DIGEST = /^[0-9a-f]{64}$/;",
    guards: "the digest of what could not be read is never allowed",
    tests: [
      {
        file: "ns-ima/src/policy/evaluate.test.ts",
        title: "is never allowed by the digest of zeros",
      },
    ],
  },
  "policy-set": {
    file: "verifier/src/policy/policy-set.ts",
    excerpt: '  if (problems.length > 0) {\n    throw new VerifierError("POLICY_INVALID"',
    without: '  if (false) {\n    throw new VerifierError("POLICY_INVALID"',
    guards: "a policy folder with a mistake is not half a policy",
    tests: [
      {
        file: "verifier/src/policy/policy-set.test.ts",
        title: "reports the problems of all documents at once",
      },
    ],
  },
  "policy-exclude-all": {
    file: EXCLUDES,
    excerpt:
      'return MATCHED_BY_EVERYTHING.some((text) => matches(text)) ? "matches every path" : null;',
    without: "return null;",
    guards: "no exclude switches a policy off",
    tests: [
      { file: "ns-ima/src/policy/excludes.test.ts", title: "which would switch the policy off" },
    ],
  },
  "policy-exclude-problems": {
    file: EXCLUDES,
    excerpt: "if (problems.length > 0) throw refused(problems);",
    without: "",
    guards: "a pattern that is none is not ignored",
    tests: [{ file: EXCLUDES_TEST, title: "what is no pattern, naming each" }],
  },
  "policy-exclude-count": {
    file: EXCLUDES,
    excerpt: "if (sources.length > EXCLUDES_MAX) {",
    without: "if (false) {",
    guards: "a policy has a number of patterns that can be matched",
    tests: [{ file: EXCLUDES_TEST, title: "too many, one too long, or too large a one" }],
  },
  "policy-exclude-size": {
    file: EXCLUDES,
    excerpt: "if (size > EXCLUDES_SIZE_MAX) {",
    without: "if (false) {",
    guards: "its patterns together can be matched in time",
    tests: [{ file: EXCLUDES_TEST, title: "what is too large together" }],
  },
  "policy-exclude-work": {
    file: EXCLUDES,
    excerpt: "path.length * size <= EXCLUDES_WORK_MAX &&",
    without: "",
    guards: "a path that a container chose is matched in time, or not excluded",
    tests: [
      {
        file: EXCLUDES_TEST,
        title: "does not match, and so does not exclude, a path for which that would take too long",
      },
    ],
  },
  "policy-pattern-cost": {
    file: "verifier/src/policy/linear-pattern.ts",
    excerpt:
      'if (patternCost(source) > PATTERN_COST_MAX)\n      throw new Error("too large when its counts are written out");',
    without: "",
    guards: "a pattern can be compiled in time",
    tests: [
      {
        file: "verifier/src/policy/linear-pattern.test.ts",
        title: "refuses what would take long to compile",
      },
    ],
  },
  "policy-empty": {
    file: EVALUATE,
    excerpt: "if (files.exact.isEmpty && keyring === null) {",
    without: "if (false) {",
    guards: "a policy that allows nothing is a mistake, and said to be one",
    tests: [
      {
        file: "ns-ima/src/policy/evaluate.test.ts",
        title: "is enough for a policy that lists nothing itself, and nothing is not",
      },
    ],
  },
} as const satisfies Checks;
