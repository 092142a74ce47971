// SPDX-License-Identifier: Apache-2.0

import { expect, it } from "vitest";
import { namespaceOf, reportOf, verdictOf } from "../../test/sample-report.ts";
import { renderReport } from "./text.ts";

it("shows each namespace with what it is blamed for", () => {
  const report = reportOf({ ...verdictOf("affirming"), limits: ["BOOT_UNVERIFIED"] }, [
    namespaceOf("clean", verdictOf("affirming")),
    namespaceOf("tampered", verdictOf("contraindicated", ["/bin/dropped"]), 2),
  ]);
  expect(renderReport(report)).toBe(`node f49dc252-9d68-4752-a07d-a6f80480bb92
  TPM    EK certificate verified, quote verified (sha256: 10, 13)
  list   34 entries: 30 of the host, 4 of containers, 0 pending
  host   affirming, valid until 2026-01-01T00:00:20.000Z
         limits: BOOT_UNVERIFIED

NAMESPACE   IMAGE                STATE  DECLARED  FILES  VERDICT
clean/1     sha256:8a8a8a8a8a8a  open   yes       1      affirming
tampered/2  sha256:8a8a8a8a8a8a  open   yes       1      contraindicated
    NOT_IN_ALLOWLIST /bin/dropped sha256:ab (the policy does not list this path)
`);
});

it("says plainly what is not verified", () => {
  const { node, ...rest } = reportOf(verdictOf("none"), []);
  const quote = { ...node.quote, verified: false };
  const text = renderReport({ ...rest, node: { ...node, quote, tpm: { ekVerified: false } } });
  expect(text).toContain("EK certificate NOT verified, quote NOT verified");
});

it("shows an unknown image and an undeclared container as such", () => {
  const namespace = { ...namespaceOf("x", verdictOf("none")), image: null, declared: false };
  expect(renderReport(reportOf(verdictOf("affirming"), [namespace]))).toMatch(
    /^x\/1 +- +open +no /m,
  );
});

it("shows how the node stands, and whose violations there were", () => {
  const violations = 2;
  const namespace = { ...namespaceOf("x", verdictOf("affirming")), violations };
  const { node, ...rest } = reportOf(verdictOf("none"), [namespace]);
  const [condition, lastContact] = ["stale", "2026-01-01T00:00:00.000Z"];
  const policy = "0123456789abcdef";
  const text = renderReport({
    ...rest,
    node: { ...node, condition, lastContact, policy, violations },
  });
  expect(text).toContain(`\n  state  stale, last contact ${lastContact}, policy 0123456789ab\n`);
  expect(text.match(/^ +violations: 2$/gm)).toEqual([
    "         violations: 2",
    "    violations: 2",
  ]);
  const bare = renderReport({
    ...rest,
    node: { ...node, condition: "never-attested", policy: null },
  });
  expect(bare).toContain("\n  state  never-attested\n");
});
