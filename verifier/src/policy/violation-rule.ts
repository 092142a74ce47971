// SPDX-License-Identifier: Apache-2.0

import type { JsonSection } from "../strict-json.ts";

/** What becomes of a host or namespace that a violation belongs to: it fails, it is warned of, or it is only counted. */
export type ViolationRule = "fail" | "warn" | "count";

/** Reads the member `violations`: `fail` where there is none. */
export function readViolationRule(section: JsonSection): ViolationRule {
  return section.choice("violations", ["fail", "warn", "count"], "fail");
}
