// SPDX-License-Identifier: Apache-2.0

import type { NamespaceReport, NodeReport, Tier, Verdict } from "@nsattest/protocol";

const VALID_UNTIL = "2026-01-01T00:00:20.000Z";

export function verdictOf(tier: Tier, paths: readonly string[] = []): Verdict {
  const reasons = paths.map((path) => ({
    code: "NOT_IN_ALLOWLIST",
    path,
    digest: "sha256:ab",
    detail: "the policy does not list this path",
  }));
  return { tier, reasons, limits: [], validUntil: VALID_UNTIL };
}

export function namespaceOf(name: string, verdict: Verdict, counter = 1): NamespaceReport {
  return {
    id: `${name}/${counter}`,
    name,
    image: `sha256:${"8a".repeat(32)}`,
    state: "open",
    declared: true,
    entries: [{ kinds: ["exec"], path: "/bin/busybox", digest: "sha256:3d" }],
    levels: { kernel: 1 },
    verdict,
  };
}

/** A report for tests of what is made of reports. */
export function reportOf(host: Verdict, namespaces: readonly NamespaceReport[]): NodeReport {
  return {
    node: {
      id: "f49dc252-9d68-4752-a07d-a6f80480bb92",
      tpm: { ekVerified: true },
      quote: { verified: true, bank: "sha256", pcrs: [10, 13] },
      host,
    },
    namespaces,
    hostList: { entries: 34, host: 30, namespaces: 4, pending: 0 },
  };
}
