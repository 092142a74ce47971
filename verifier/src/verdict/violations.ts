// SPDX-License-Identifier: Apache-2.0

import type { ViolationRule } from "../policy/policy-rules.ts";
import type { Findings } from "./findings.ts";
import type { VerdictReason } from "./reason.ts";

/** What follows from violations of a namespace: once it is said, further ones add nothing but to their number. */
export function judgeViolations(count: number, rule: ViolationRule): Partial<Findings> {
  if (count === 0) return {};
  return violationFindings(rule, rule === "fail" ? UNSTABLE : WRITTEN);
}

/** `reason` where `rule` wants it. */
export function violationFindings(rule: ViolationRule, reason: VerdictReason): Partial<Findings> {
  switch (rule) {
    case "fail":
      return { reasons: [reason] };
    case "warn":
      return { warnings: [reason] };
    case "count":
      return {};
  }
}

const UNSTABLE: VerdictReason = { code: "DIGEST_UNSTABLE", path: "", detail: "violation" };
const WRITTEN: VerdictReason = {
  code: "VIOLATION",
  detail: "a file was open for writing when it was executed",
};
