// SPDX-License-Identifier: Apache-2.0

import {
  BOOT_AGGREGATE,
  isBootAggregate,
  type JoinEntry,
  type JoinedEntry,
  type PathForm,
} from "@nsattest/ns-ima";
import { digestText } from "../policy/digest-text.ts";
import type { HostPolicy } from "../policy/policy-set.ts";
import {
  type AskedFile,
  type FileAnswer,
  judgeFile,
  NOTHING_AGAINST,
  reasonsOf,
  type SignaturesOf,
} from "./policy-rule.ts";
import { fileReason, type VerdictReason } from "./reason.ts";

/** True for the record with which the kernel begins a list, with an aggregate that is one. */
export function isFirstAggregate(entry: JoinedEntry): boolean {
  return entry.index === 0 && isBootAggregate(entry);
}

/**
 * True for a further aggregate among the entries from before the log: a kernel was started by another one, and took
 * over its list. Later in the list it is a file of that name.
 *
 * @param attached length of the list when the programs were attached
 */
export function isKexecAggregate(entry: JoinedEntry, attached: number): boolean {
  const { index, path, digest } = entry;
  return (
    index > 0 && index < attached && path === BOOT_AGGREGATE && digest !== null && !isBuffer(entry)
  );
}

/**
 * What the host's policy has against an entry that the host, or whoever may act as the host, answers for. Violations
 * are not for it to judge.
 *
 * Does not look at who that is.
 */
export function judgeHostEntry(
  policy: HostPolicy,
  entry: JoinedEntry,
  signaturesOf: SignaturesOf,
): readonly VerdictReason[] {
  const { path, digest } = entry;
  if (digest === null || isFirstAggregate(entry) || isPinnedImaPolicy(policy, entry)) return [];
  const file = { path, digest };
  if (path === policy.imaPolicy.path) {
    return [fileReason("IMA_POLICY_MISMATCH", file, `pinned is ${policy.imaPolicy.digest}`)];
  }
  return isBuffer(entry)
    ? reasonsOf(policy.executions.evaluateBuffer(file), file)
    : judgeHostFile(policy, file, "ima", signaturesOf).reasons;
}

/** The same for a file that was executed. A container runtime may lie anywhere. */
export function judgeHostFile(
  policy: HostPolicy,
  file: AskedFile,
  form: PathForm,
  signaturesOf: SignaturesOf,
): FileAnswer {
  const { digest } = file;
  if (digest !== null && policy.runtimes.has(digest)) return NOTHING_AGAINST;
  return judgeFile(policy.executions, file, form, signaturesOf);
}

/**
 * True for a content that means nothing beyond itself, and against which the policy has nothing: wherever it stands in a
 * list, and on whichever node. The policy is asked once for all equal entries.
 */
export function isCleared(policy: HostPolicy, content: JoinEntry): boolean {
  if (content.clearedBy === policy) return true;
  const { path, digest, signature } = content;
  const meansMore =
    digest === null ||
    isBuffer(content) ||
    path === BOOT_AGGREGATE ||
    path === policy.imaPolicy.path ||
    policy.programs.includes(path);
  if (meansMore) return false;
  // Its own signature only: what else a node knows of a file is not the content's.
  const signatures = signature === null ? [] : [signature];
  const { reasons } = judgeHostFile(policy, content, "ima", () => signatures);
  if (reasons.length > 0) return false;
  content.clearedBy = policy;
  return true;
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

/** What was measured is no file: only such an entry is asked as a buffer, whatever a file is called. */
function isBuffer({ kind }: Pick<JoinEntry, "kind">): boolean {
  return kind === "buffer";
}
