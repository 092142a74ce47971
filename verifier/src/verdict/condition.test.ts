// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from "vitest";
import { type NodeTimes, readStanding, UNREACHABLE_VALIDITIES } from "./condition.ts";
import type { Decision } from "./decision.ts";
import { NEVER_ATTESTED, type Standing } from "./standing.ts";

const VALID_SECONDS = 60;
const NOW = Date.parse("2026-01-31T12:00:00.000Z");
const bad = { code: "NOT_IN_ALLOWLIST", path: "/x", detail: "" };
const decision = (tier: Decision["tier"], reasons: Decision["reasons"] = []): Decision => ({
  tier,
  reasons,
  limits: ["BOOT_UNVERIFIED"],
});
const standing: Standing = {
  accepted: true,
  quoteVerified: true,
  policy: "00",
  host: decision("affirming"),
  namespaces: { "web/1": decision("contraindicated", [bad]), "db/2": decision("warning") },
};
const times: NodeTimes = {
  validUntil: NOW + VALID_SECONDS * 1000,
  lastContact: NOW,
  claimedBoot: null,
};

/** Condition and verdicts after `seconds`. */
function readAfter(seconds: number, change: Partial<NodeTimes> = {}, of: Standing = standing) {
  const at = new Date(NOW + seconds * 1000);
  const { condition, host, namespaces } = readStanding(
    of,
    { ...times, ...change },
    at,
    VALID_SECONDS,
  );
  const all = [host, ...Object.values(namespaces)];
  return [
    condition,
    ...all.map(({ tier, reasons }) => [tier, ...reasons.map(({ code }) => code)].join(" ")),
  ];
}

describe("a standing", () => {
  it("is read as it is until it ends", () => {
    const expected = ["attested", "affirming", "contraindicated NOT_IN_ALLOWLIST", "warning"];
    expect(readAfter(0)).toEqual(expected);
    expect(readAfter(VALID_SECONDS)).toEqual(expected);
    expect(readAfter(VALID_SECONDS + 0.001)[0]).toBe("stale");
    expect(readStanding(standing, times, new Date(NOW), VALID_SECONDS).host).toEqual({
      ...standing.host,
      validUntil: "2026-01-31T12:01:00.000Z",
    });
  });

  // Without it a node that was switched off stays what it was, or looks like one that only lost its TPM.
  it("is unreachable after a silence of clearly more than its validity, and not before", () => {
    const limit = UNREACHABLE_VALIDITIES * VALID_SECONDS;
    const stale = "none VERDICT_EXPIRED";
    expect(readAfter(limit)).toEqual(["stale", stale, stale, stale]);
    const unreachable = "none NODE_UNREACHABLE";
    expect(readAfter(limit + 1)).toEqual(["unreachable", unreachable, unreachable, unreachable]);
    expect(readAfter(limit + 1, { lastContact: NOW + 1000 })[0]).toBe("stale");
    expect(readAfter(limit + 1, { claimedBoot: "b" })[0]).toBe("unreachable");
  });

  // Without it whoever holds the agent's place hides a finding by claiming a reboot.
  it("loses its trust by the claim of a reboot, but not what is known to be wrong", () => {
    const claim = { claimedBoot: "b" };
    expect(readAfter(1, claim)).toEqual([
      "rebooted",
      "none NODE_REBOOTED",
      "contraindicated NOT_IN_ALLOWLIST NODE_REBOOTED",
      "none NODE_REBOOTED",
    ]);
    const rebooted = "none NODE_REBOOTED";
    expect(readAfter(61, claim)).toEqual(["rebooted", rebooted, rebooted, rebooted]);
  });

  it("says why evidence was refused, whatever else the node claims", () => {
    const refused: Standing = {
      ...standing,
      accepted: false,
      host: decision("none", [{ code: "QUOTE_NONCE", detail: "" }]),
      namespaces: {},
    };
    expect(readAfter(1, { claimedBoot: "b" }, refused)).toEqual(["refused", "none QUOTE_NONCE"]);
    expect(readAfter(61, {}, refused)).toEqual(["stale", "none VERDICT_EXPIRED"]);
  });

  it("is none before there was evidence, however long ago", () => {
    const never = ["never-attested", "none NEVER_ATTESTED"];
    expect(readAfter(0, {}, NEVER_ATTESTED)).toEqual(never);
    expect(readAfter(1e6, { claimedBoot: "b" }, NEVER_ATTESTED)).toEqual(never);
  });

  // Without it every comparison with a time that is none is false, and the verdict never ends.
  it("is not attested when the time that it holds until, or now, is none", () => {
    expect(readAfter(Number.NaN)[0]).toBe("stale");
    expect(() => readAfter(0, { validUntil: Number.NaN })).toThrow(RangeError);
  });
});
