// SPDX-License-Identifier: Apache-2.0

import { EventFlag, type Execution } from "@nsattest/ns-ima";
import { describe, expect, it } from "vitest";
import { limitsOf, NO_FINDINGS, REASONS_MAX, withFindings } from "./findings.ts";
import type { VerdictReason } from "./reason.ts";

function reason(path: string): VerdictReason {
  return { code: "NOT_IN_ALLOWLIST", path, detail: "" };
}

describe("withFindings", () => {
  it("adds each reason and limit once, and changes nothing it was given", () => {
    const first = withFindings(NO_FINDINGS, {
      reasons: [reason("/a")],
      limits: ["INTERPRETER"],
    });
    const second = withFindings(first, {
      reasons: [reason("/a"), reason("/b")],
      warnings: [reason("/c")],
      limits: ["INTERPRETER"],
    });
    expect(first.reasons).toEqual([reason("/a")]);
    expect(second.reasons).toEqual([reason("/a"), reason("/b")]);
    expect(second.warnings).toEqual([reason("/c")]);
    expect(second.limits).toEqual(["INTERPRETER"]);
    expect(NO_FINDINGS.reasons).toEqual([]);
  });

  it("tells reasons apart that differ in anything", () => {
    const reasons: VerdictReason[] = [
      reason("/a"),
      { ...reason("/a"), code: "DIGEST_MISMATCH" },
      { ...reason("/a"), digest: "sha256:00" },
      { ...reason("/a"), detail: "other" },
    ];
    expect(withFindings(NO_FINDINGS, { reasons }).reasons).toEqual(reasons);
  });

  it("gives back what it was given when there is nothing new", () => {
    const reasons = [reason("/a")];
    const findings = withFindings(NO_FINDINGS, { reasons, limits: ["PRIVILEGED"] });
    expect(withFindings(findings, {})).toBe(findings);
    expect(withFindings(findings, { reasons, limits: ["PRIVILEGED"] })).toBe(findings);
    expect(withFindings(findings, { limits: ["INTERPRETER"] })).not.toBe(findings);
  });

  it("keeps the first reasons of a flood", () => {
    const flood = Array.from({ length: REASONS_MAX + 10 }, (_, index) => reason(`/${index}`));
    const { reasons } = withFindings(withFindings(NO_FINDINGS, { reasons: flood }), {
      reasons: [reason("/last")],
    });
    expect(reasons).toEqual(flood.slice(0, REASONS_MAX));
  });
});

describe("limitsOf", () => {
  const execution: Execution = { how: "exec", path: "/a", digest: null, fsMagic: 0, flags: 0 };
  it.each([
    [execution, []],
    [{ ...execution, flags: EventFlag.SCRIPT | EventFlag.HOST_PID }, ["INTERPRETER"]],
    [{ ...execution, how: "anonymous" as const }, ["ANONYMOUS_EXEC"]],
    [{ ...execution, fsMagic: 0x65735546 }, ["UNSTABLE_FS"]],
    [{ ...execution, fsMagic: 0xef53 }, []],
    [{ ...execution, how: "rewrite" as const, flags: EventFlag.OTHERS_CODE }, ["OTHERS_CODE"]],
    [{ ...execution, how: "rewrite" as const }, []],
    [{ ...execution, how: "mprotect" as const, flags: EventFlag.PATH_UNKNOWN }, []],
  ])("of %j are %j", (item, expected) => {
    expect(limitsOf(item)).toEqual(expected);
  });
});
