// SPDX-License-Identifier: Apache-2.0

import type { NodeReport } from "@nsattest/protocol";

/** What the demo's containers must come out as, with the files each has to be blamed for. */
const EXPECTED: readonly (readonly [name: string, tier: string, blamed: readonly string[]])[] = [
  ["clean", "affirming", []],
  ["neighbour", "contraindicated", ["/vol/tool"]],
  ["short", "affirming", []],
  ["tampered", "contraindicated", ["/bin/dropped", "/vol/tool"]],
  ["twin", "affirming", []],
];

/** Differences between a report of the demo's node and what the demo shows; empty when there are none. */
export function unexpected({ node, namespaces, hostList }: NodeReport): string[] {
  const problems: string[] = [];
  if (node.host.tier !== "affirming") problems.push(`the host is ${node.host.tier}`);
  for (const limit of ["BOOT_UNVERIFIED", "IMA_POLICY_UNPROVEN"])
    if (node.host.limits.includes(limit)) problems.push(`the host has the limit ${limit}`);
  if (!node.quote.verified || !node.tpm.ekVerified)
    problems.push("quote or EK certificate is not verified");
  if (hostList.pending > 0)
    problems.push(`${hostList.pending} entries of the host list are pending`);
  if (namespaces.length !== EXPECTED.length) problems.push(`${namespaces.length} namespaces`);
  for (const [name, tier, blamed] of EXPECTED) {
    const found = namespaces.find((namespace) => namespace.name === name);
    const paths = found?.verdict.reasons.map(({ path }) => path ?? "").sort();
    if (found?.verdict.tier !== tier)
      problems.push(`${name} is ${found?.verdict.tier ?? "missing"}, not ${tier}`);
    else if (JSON.stringify(paths) !== JSON.stringify(blamed))
      problems.push(`${name} is blamed for ${paths}`);
    if (!found?.entries.some(({ path }) => path === "/bin/busybox"))
      problems.push(`${name} does not list /bin/busybox`);
  }
  return problems;
}
