// SPDX-License-Identifier: Apache-2.0

import { expect, it } from "vitest";
import { currentVerdict, type Verdict } from "./verdict.ts";

const UNTIL = Date.parse("2026-01-31T12:00:00.000Z");
const verdict: Verdict = {
  tier: "affirming",
  reasons: [],
  limits: ["BOOT_UNVERIFIED"],
  validUntil: "2026-01-31T12:00:00.000Z",
};

it("reads a verdict as it is until it ends", () => {
  expect(currentVerdict(verdict, new Date(UNTIL - 1))).toBe(verdict);
  expect(currentVerdict(verdict, new Date(UNTIL))).toBe(verdict);
});

// Without it a node that is switched off stays affirming for ever.
it.each(["affirming", "warning", "contraindicated", "none"] as const)(
  "reads %s as none when it has ended",
  (tier) => {
    expect(currentVerdict({ ...verdict, tier }, new Date(UNTIL + 1))).toEqual({
      tier: "none",
      reasons: [{ code: "VERDICT_EXPIRED", detail: `was ${tier} until ${verdict.validUntil}` }],
      limits: ["BOOT_UNVERIFIED"],
      validUntil: verdict.validUntil,
    });
  },
);

// Without it every comparison with a time that is none is false, and the verdict never ends.
it.each(["", "never", "9999-99-99"])(
  "reads a verdict that is valid until %j as none",
  (validUntil) => {
    expect(currentVerdict({ ...verdict, validUntil }, new Date(UNTIL)).tier).toBe("none");
    expect(currentVerdict(verdict, new Date(Number.NaN)).tier).toBe("none");
  },
);
