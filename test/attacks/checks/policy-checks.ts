// SPDX-License-Identifier: Apache-2.0
/* biome-ignore-all lint/suspicious/noTemplateCurlyInString: excerpts of sources, with the placeholders that they have */

import type { Checks } from "./check.ts";

const EVALUATE = "ns-ima/src/policy/evaluate.ts";

/** What a policy allows, and what is a policy. */
export const POLICY_CHECKS = {
  "policy-algorithm": {
    file: EVALUATE,
    excerpt: 'const isStrong = digest.algorithm === "sha256";',
    without: 'const isStrong = true; if (digest.algorithm !== "sha256") return BY_DIGEST;',
    guards: "a digest of a broken hash proves nothing",
  },
  "policy-path": {
    file: EVALUATE,
    excerpt: "return signature === null ? { outcome } : { outcome, signature };",
    without: "return EXCLUDED;",
    guards: "what is not listed is not allowed",
  },
  "policy-digest": {
    file: EVALUATE,
    excerpt: 'if (isStrong && expected.includes(Buffer.from(digest.value).toString("hex")))',
    without: "if (isStrong)",
    guards: "a listed path has the listed content",
  },
  "policy-exclude-all": {
    file: "ns-ima/src/policy/excludes.ts",
    excerpt: "if (MATCHED_BY_EVERYTHING.some((text) => matches(text))) {",
    without: "if (false) {",
    guards: "no exclude switches a policy off",
    tests: [
      { file: "ns-ima/src/policy/excludes.test.ts", title: "which would switch the policy off" },
    ],
  },
  "policy-pattern": {
    file: "ns-ima/src/policy/excludes.ts",
    excerpt: "if (problems.length > 0) {",
    without: "if (false) {",
    guards: "a pattern that is none is not ignored",
    tests: [
      { file: "ns-ima/src/policy/excludes.test.ts", title: "what is no pattern, naming each" },
    ],
  },
  "policy-pattern-length": {
    file: "verifier/src/policy/linear-pattern.ts",
    excerpt:
      "if (source.length > PATTERN_MAX) throw new Error(`longer than ${PATTERN_MAX} characters`);",
    without: "",
    guards: "a pattern is of a size that can be compiled",
    tests: [
      {
        file: "verifier/src/policy/linear-pattern.test.ts",
        title: "takes patterns up to its limits, and none beyond",
      },
    ],
  },
  "policy-pattern-size": {
    file: "verifier/src/policy/linear-pattern.ts",
    excerpt: "if (pattern.programSize() > INSTRUCTIONS_MAX) {",
    without: "if (false) {",
    guards: "a pattern costs little, whatever path a container chooses",
    tests: [
      {
        file: "verifier/src/policy/linear-pattern.test.ts",
        title: "takes patterns up to its limits, and none beyond",
      },
    ],
  },
  "policy-empty": {
    file: "ns-ima/src/policy/runtime-policy.ts",
    excerpt: "if (![...files.values()].some((digests) => digests.length > 0)) {",
    without: "if (false) {",
    guards: "a policy that allows nothing is a mistake, and said to be one",
    tests: [
      { file: "ns-ima/src/policy/runtime-policy.test.ts", title: "missing trust is never success" },
    ],
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
} as const satisfies Checks;
