// SPDX-License-Identifier: Apache-2.0

import { type BytePath, displayPath, type FileDigest } from "@nsattest/ns-ima";
import type { Reason } from "@nsattest/protocol";
import { digestText } from "../policy/digest-text.ts";

/**
 * Why a verdict is not `affirming`. Besides these there are the codes of errors, which stand for a proof that failed.
 * `VERDICT_EXPIRED`, `NODE_UNREACHABLE` and `NODE_REBOOTED` are only made when a verdict is read (`readDecision`).
 */
export type ReasonCode =
  // `none`: nothing can be said
  /** No evidence of this node was accepted yet. */
  | "NEVER_ATTESTED"
  /** The verdict was read after its end: the node is in touch, but sends no evidence that counts. */
  | "VERDICT_EXPIRED"
  /** Nothing was heard of the node for clearly longer than a verdict holds. */
  | "NODE_UNREACHABLE"
  /** The node says that it was started again, and has proven nothing of its new boot yet. */
  | "NODE_REBOOTED"
  /** No policy is bound to this host or image. */
  | "POLICY_MISSING"
  /** The list does not begin with the kernel's aggregate of the boot, or that is zero. */
  | "BOOT_AGGREGATE"
  /** The kernel was started by another one, whose list it goes on with: what ran in between is not known. */
  | "KEXEC_LIST"
  /** A boot is expected of the node, and its firmware or kernel hands over no log of it. */
  | "BOOT_LOG_MISSING"
  /** One of our own programs was not seen on this host as the policy knows it, so nothing that it says counts. */
  | "PROGRAMS_UNMEASURED"
  /** Host-list entries have been standing above the last mark for too long. */
  | "LOG_STALLED"
  /** Something was not seen, and what is running was not read again since. */
  | "GAP"
  /** It ran before anything of it could be seen, and what is running was not read again since. */
  | "UNMEASURED"
  /** Something was executed that a signature may allow, and its signature is not known yet. */
  | "SIGNATURE_PENDING"
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
  | "DENIED_DIGEST"
  | "NOT_IN_ALLOWLIST"
  | "DIGEST_MISMATCH"
  /** The file is not listed, and its signature is not one over its content. */
  | "SIGNATURE_INVALID"
  /** The file is not listed, and nobody knows the key it is signed with. */
  | "SIGNATURE_KEY_UNKNOWN"
  /** The file is not listed, and the key it is signed with was revoked. */
  | "SIGNATURE_KEY_REVOKED"
  /** The digest is not SHA-256: a file's attributes choose the algorithm. */
  | "DIGEST_ALGORITHM"
  /** What was executed cannot be said for certain. */
  | "DIGEST_UNSTABLE"
  /** What was executed could be changed, or was, while it ran. */
  | "CODE_WRITABLE"
  /** A task of it did something in a cgroup that is not its own. */
  | "CGROUP_ESCAPE"
  /** Nobody was seen to cause this host-list entry. */
  | "ENTRY_UNOWNED"
  /** A file was executed or read while it was open for writing. A `warning` where the policy says so. */
  | "VIOLATION"
  /** Something was measured at boot that the reference does not have; `detail` names it. */
  | "BOOT_EVENT_UNEXPECTED"
  /** Something that the reference has was not measured at boot. */
  | "BOOT_EVENT_MISSING"
  /** The kernel's aggregate of the boot is not what the boot log leads to. */
  | "BOOT_AGGREGATE_MISMATCH"
  /** The node loaded another IMA policy than the pinned one. */
  | "IMA_POLICY_MISMATCH";

/** What a verdict does not cover. */
export type LimitCode =
  /** What was booted is not checked: no reference is pinned for the node. */
  | "BOOT_UNVERIFIED"
  /** No vendor says that the node's key is in a TPM: an operator has let it in. */
  | "TPM_EK_UNCHAINED"
  /** The host's list is proven by SHA-1 only. */
  | "LIST_SHA1"
  /** The pinned IMA policy is not in the list, or the kernel was not shown to measure the policy that it loads. */
  | "IMA_POLICY_UNPROVEN"
  /** A script ran: what it does is decided by an interpreter. */
  | "INTERPRETER"
  /** Memory without a file was made executable. */
  | "ANONYMOUS_EXEC"
  /** Something was executed from a file system that may give other bytes the second time: FUSE, network. */
  | "UNSTABLE_FS"
  /** It opened files for writing that other containers had executed. They answer for it, as they chose to run them. */
  | "OTHERS_CODE"
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
