// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from "vitest";
import {
  decodeExplanation,
  type Explanation,
  encodeExplanation,
  NAMED_MAX,
} from "./explanation.ts";

const explanation: Explanation = {
  node: "f49dc252-9d68-4752-a07d-a6f80480bb92",
  namespace: "web/1",
  name: "web",
  image: `sha256:${"ab".repeat(32)}`,
  policy: "1".repeat(64),
  verdict: {
    tier: "contraindicated",
    reasons: [{ code: "NOT_IN_ALLOWLIST", path: "/bin/ü", digest: "sha256:ab", detail: "x" }],
    limits: ["BOOT_UNVERIFIED"],
    validUntil: "2026-01-01T00:00:00.000Z",
  },
  findings: [
    {
      reason: { code: "NOT_IN_ALLOWLIST", path: "/bin/ü", digest: "sha256:ab", detail: "x" },
      meaning: "It is not listed.",
      next: "List it.",
      since: { received: "2026-01-01T00:00:00.000Z", policy: "2".repeat(64) },
      seen: ["exec"],
      expected: ["sha256:cd"],
      near: [{ where: "other-policy", owner: "host", path: "/bin/u" }],
      others: ["db/2"],
    },
    {
      reason: { code: "GAP", detail: "y" },
      meaning: "a",
      next: "b",
      since: null,
      seen: [],
      expected: null,
      near: [],
      others: [],
    },
  ],
  limits: [{ code: "BOOT_UNVERIFIED", meaning: "c", next: "d" }],
  owners: { own: 1, host: 2, namespaces: 3, unowned: 4, gap: 5, pending: 6 },
};

const [first] = explanation.findings;
const withFinding = (change: object): unknown => ({
  ...explanation,
  findings: [{ ...first, ...change }],
});

describe("an explanation", () => {
  it("is read as it was written", () => {
    const json: unknown = JSON.parse(JSON.stringify(encodeExplanation(explanation)));
    expect(decodeExplanation(json)).toEqual(explanation);
  });

  it("may have what only a newer verifier says", () => {
    expect(decodeExplanation({ ...explanation, more: 1 })).toEqual(explanation);
  });

  it.each<[string, unknown]>([
    ["explanation is not an object", null],
    ["explanation.namespace", { ...explanation, namespace: "../x" }],
    ["explanation.policy", { ...explanation, policy: "latest" }],
    ["explanation.verdict.tier", { ...explanation, verdict: { ...explanation.verdict, tier: 1 } }],
    ["findings[0].meaning", withFinding({ meaning: "a\u001b[2J" })],
    ["findings[0].reason.code", withFinding({ reason: { code: "x", detail: "" } })],
    ["findings[0].near[0].where", withFinding({ near: [{ where: "here", owner: "", path: "" }] })],
    ["findings[0].near[0].path", withFinding({ near: [{ ...first?.near[0], path: "\n" }] })],
    ["findings[0].others", withFinding({ others: new Array(NAMED_MAX + 1).fill("db/2") })],
    ["findings[0].since.received", withFinding({ since: { received: "now", policy: "" } })],
    ["owners.own", { ...explanation, owners: { ...explanation.owners, own: -1 } }],
  ])("is refused for %s", (at, json) => {
    expect(() => decodeExplanation(json)).toThrow(
      expect.objectContaining({ code: "FIELD_INVALID", message: expect.stringContaining(at) }),
    );
  });

  it("names as many others as allowed", () => {
    const most = withFinding({ others: new Array(NAMED_MAX).fill("db/2") });
    expect(decodeExplanation(most).findings[0]?.others).toHaveLength(NAMED_MAX);
  });
});
