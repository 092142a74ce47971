// SPDX-License-Identifier: Apache-2.0

import { type Execution, isBootAggregate, type JoinedEntry, type PathForm } from "@nsattest/ns-ima";
import { digestText } from "../policy/digest-text.ts";
import type { HostPolicy } from "../policy/policy-set.ts";
import { judgeExecution, reasonsOf } from "./policy-rule.ts";
import { fileReason, type VerdictReason } from "./reason.ts";

/**
 * What the host's policy has against an entry that the host, or whoever may act as the host, answers for.
 *
 * Does not look at who that is.
 */
export function judgeHostEntry(policy: HostPolicy, entry: JoinedEntry): readonly VerdictReason[] {
  const { path, digest, template } = entry;
  if (digest === null) {
    return [{ code: "VIOLATION", detail: `entry ${entry.index}: a file was open for writing` }];
  }
  if ((entry.index === 0 && isBootAggregate(entry)) || isPinnedImaPolicy(policy, entry)) return [];
  const file = { path, digest };
  if (path === policy.imaPolicy.path) {
    return [fileReason("IMA_POLICY_MISMATCH", file, `pinned is ${policy.imaPolicy.digest}`)];
  }
  return template === "ima-buf"
    ? reasonsOf(policy.executions.evaluateBuffer(file), file)
    : judgeHostExecution(policy, file, "ima");
}

/** The same for an execution. A container runtime may lie anywhere. */
export function judgeHostExecution(
  policy: HostPolicy,
  execution: Pick<Execution, "path" | "digest">,
  form: PathForm = "exact",
): readonly VerdictReason[] {
  const { digest } = execution;
  if (digest !== null && policy.runtimes.has(digestText(digest))) return [];
  return judgeExecution(policy.executions, execution, form);
}

/** True for the entry that proves which IMA policy was loaded. */
export function isPinnedImaPolicy({ imaPolicy }: HostPolicy, entry: JoinedEntry): boolean {
  const { path, digest } = entry;
  return path === imaPolicy.path && digest !== null && digestText(digest) === imaPolicy.digest;
}

/** The required program that an entry shows, as the policy lists it (an exclude is not enough); else undefined. */
export function programOf(policy: HostPolicy, { path, digest }: JoinedEntry): string | undefined {
  if (digest === null || !policy.programs.includes(path)) return undefined;
  const { outcome } = policy.executions.evaluateExecution({ path, digest, signatures: [] }, "ima");
  return outcome === "allowed" ? path : undefined;
}
