// SPDX-License-Identifier: Apache-2.0

import { type BytePath, displayPath, type FileDigest } from "@nsattest/ns-ima";
import type { Reason } from "@nsattest/protocol";
import { digestText } from "../policy/digest-text.ts";

/**
 * Why a verdict is not `affirming`. Besides these there are the codes of errors, which stand for a proof that failed,
 * and `VERDICT_EXPIRED`, which is only made when a verdict is read.
 */
export type ReasonCode =
  // `none`: nothing can be said
  /** No evidence of this node was accepted yet. */
  | "NEVER_ATTESTED"
  /** No policy is bound to this host or image. */
  | "POLICY_MISSING"
  /** The list does not begin with the kernel's aggregate of the boot, or that is zero. */
  | "BOOT_AGGREGATE"
  /** One of our own programs was not seen on this host as the policy knows it, so nothing that it says counts. */
  | "PROGRAMS_UNMEASURED"
  /** Host-list entries have been standing above the last mark for too long. */
  | "LOG_STALLED"
  /** Something was not seen, and what is running was not read again since. */
  | "GAP"
  /** Nothing was executed in this namespace. */
  | "NO_EXECUTIONS"
  | "HOST_CONTRAINDICATED"
  /** Nothing can be said of the host; `detail` has its codes. */
  | "HOST_UNPROVEN"
  // `warning`
  /** Something was not seen; what runs was read again afterwards. */
  | "GAP_RESYNCED"
  /** The host's verdict is a warning; `detail` has its codes. */
  | "HOST_WARNING"
  // `contraindicated`: known to be wrong
  /** The policy denies a file that was executed; `detail` is its reason. */
  | "DENIED"
  | "NOT_IN_ALLOWLIST"
  | "DIGEST_MISMATCH"
  /** The digest is not SHA-256: a file's attributes choose the algorithm. */
  | "DIGEST_ALGORITHM"
  /** What was executed cannot be said for certain. */
  | "DIGEST_UNSTABLE"
  /** Nobody was seen to cause this host-list entry. */
  | "ENTRY_UNOWNED"
  /** The host executed or read a file while it was open for writing. */
  | "VIOLATION"
  /** The node loaded another IMA policy than the pinned one. */
  | "IMA_POLICY_MISMATCH";

/** What a verdict does not cover. */
export type LimitCode =
  /** What was booted is not checked. */
  | "BOOT_UNVERIFIED"
  /** The pinned IMA policy is not in the list. */
  | "IMA_POLICY_UNPROVEN"
  /** A script ran: what it does is decided by an interpreter. */
  | "INTERPRETER"
  /** Memory without a file was made executable. */
  | "ANONYMOUS_EXEC"
  /** The container may act as the host. */
  | "PRIVILEGED"
  /** The image is not named by a digest. */
  | "IMAGE_NOT_PINNED";

/** A {@link Reason} with one of this package's codes. */
export interface VerdictReason extends Reason {
  readonly code: ReasonCode;
}

/** A reason about a file. */
export function fileReason(
  code: ReasonCode,
  file: { readonly path: BytePath; readonly digest: FileDigest | null },
  detail: string,
): VerdictReason {
  return {
    code,
    path: displayPath(file.path),
    ...(file.digest && { digest: digestText(file.digest) }),
    detail,
  };
}
