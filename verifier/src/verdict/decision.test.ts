// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from "vitest";
import { codesOf, decisionOf, nothingKnown } from "./decision.ts";
import type { VerdictReason } from "./reason.ts";

const bad: VerdictReason = { code: "NOT_IN_ALLOWLIST", detail: "" };
const unknown: VerdictReason = { code: "GAP", detail: "" };
const doubtful: VerdictReason = { code: "GAP_RESYNCED", detail: "" };

describe("decisionOf", () => {
  it.each([
    ["affirming", [], [], []],
    ["warning", [], [], [doubtful]],
    ["none", [], [unknown], [doubtful]],
    ["contraindicated", [bad], [unknown], [doubtful]],
    ["contraindicated", [bad], [], []],
  ] as const)("is %s for the worst ground there is", (tier, contraindicated, none, warning) => {
    const decision = decisionOf({ contraindicated, none, warning }, []);
    expect(decision).toEqual({
      tier,
      reasons: [...contraindicated, ...none, ...warning],
      limits: [],
    });
  });

  it("names each limit once, in one order", () => {
    const grounds = { contraindicated: [], none: [], warning: [] };
    const { limits } = decisionOf(grounds, ["PRIVILEGED", "BOOT_UNVERIFIED", "PRIVILEGED"]);
    expect(limits).toEqual(["BOOT_UNVERIFIED", "PRIVILEGED"]);
  });
});

describe("codesOf", () => {
  it("names each code once", () => {
    const grounds = {
      contraindicated: [bad, { ...bad, detail: "again" }],
      none: [unknown],
      warning: [],
    };
    expect(codesOf(decisionOf(grounds, []))).toBe("NOT_IN_ALLOWLIST, GAP");
    expect(codesOf(nothingKnown({ code: "QUOTE_NONCE", detail: "" }))).toBe("QUOTE_NONCE");
  });
});
