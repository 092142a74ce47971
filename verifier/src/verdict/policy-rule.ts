// SPDX-License-Identifier: Apache-2.0

import type {
  CompiledRuntimePolicy,
  FileDigest,
  MeasuredBuffer,
  PathForm,
  PolicyDecision,
} from "@nsattest/ns-ima";
import { fileReason, type ReasonCode, type VerdictReason } from "./reason.ts";

/** What a policy has against a file. */
export interface FileAnswer {
  readonly reasons: readonly VerdictReason[];
  /** No signature of the file is known, and one could make it allowed. */
  readonly mayBeSigned: boolean;
}

/** The signatures that the node's list has of a file with this digest. */
export type SignaturesOf = (digest: FileDigest) => readonly Uint8Array[];

/** A file, or what was executed: without a digest where the kernel had none. */
export interface AskedFile {
  readonly path: MeasuredBuffer["path"];
  readonly digest: FileDigest | null;
}

export const NOTHING_AGAINST: FileAnswer = { reasons: [], mayBeSigned: false };
const NO_SIGNATURES: readonly Uint8Array[] = [];

/**
 * What a runtime policy has against a file that was executed. One without a digest cannot be asked about: nothing here
 * holds it against anybody (the join does, for containers).
 */
export function judgeFile(
  policy: CompiledRuntimePolicy,
  { path, digest }: AskedFile,
  form: PathForm,
  signaturesOf: SignaturesOf,
): FileAnswer {
  if (digest === null) return NOTHING_AGAINST;
  const signatures = policy.acceptsSignatures ? signaturesOf(digest) : NO_SIGNATURES;
  const file = { path, digest, signatures };
  const decision = policy.evaluateExecution(file, form);
  const reasons = reasonsOf(decision, file);
  return reasons.length === 0
    ? NOTHING_AGAINST
    : {
        reasons,
        mayBeSigned:
          policy.acceptsSignatures &&
          signatures.length === 0 &&
          (decision.outcome === "not-listed" || decision.outcome === "algorithm"),
      };
}

/** Why a decision is one against the file, or the buffer; none when it is not. */
export function reasonsOf(
  decision: PolicyDecision,
  file: MeasuredBuffer,
): readonly VerdictReason[] {
  const reason = (code: ReasonCode, detail: string) => [fileReason(code, file, detail)];
  switch (decision.outcome) {
    case "allowed":
    case "excluded":
      return [];
    case "denied":
      return reason("DENIED_DIGEST", decision.reason);
    case "digest-mismatch":
      return reason("DIGEST_MISMATCH", "the policy lists this path with other content");
    case "algorithm":
      return reason("DIGEST_ALGORITHM", "only SHA-256 digests are judged");
    case "not-listed":
      return decision.signature === undefined
        ? reason("NOT_IN_ALLOWLIST", UNLISTED)
        : reason(
            SIGNATURE_CODES[decision.signature],
            `${UNLISTED}, and its signature does not count`,
          );
  }
}

const UNLISTED = "the policy does not list this path";

/** A file that is signed was meant to be allowed by that: then the signature is what to look at. */
const SIGNATURE_CODES = {
  invalid: "SIGNATURE_INVALID",
  "unknown-key": "SIGNATURE_KEY_UNKNOWN",
  "revoked-key": "SIGNATURE_KEY_REVOKED",
} as const;
