// SPDX-License-Identifier: Apache-2.0

import type {
  CompiledRuntimePolicy,
  Execution,
  MeasuredBuffer,
  PathForm,
  PolicyDecision,
} from "@nsattest/ns-ima";
import { fileReason, type VerdictReason } from "./reason.ts";

/**
 * What a runtime policy has against an execution. An execution without a digest cannot be asked about: nothing here
 * holds it against anybody (the join does, for containers).
 */
export function judgeExecution(
  policy: CompiledRuntimePolicy,
  { path, digest }: Pick<Execution, "path" | "digest">,
  form: PathForm,
  signatures: readonly Uint8Array[] = [],
): readonly VerdictReason[] {
  if (digest === null) return [];
  const file = { path, digest, signatures };
  return reasonsOf(policy.evaluateExecution(file, form), file);
}

/** Why a decision is one against the file; none when it is not. */
export function reasonsOf(
  decision: PolicyDecision,
  file: MeasuredBuffer,
): readonly VerdictReason[] {
  switch (decision.outcome) {
    case "allowed":
    case "excluded":
      return [];
    case "denied":
      return [fileReason("DENIED", file, decision.reason)];
    case "algorithm":
      return [fileReason("DIGEST_ALGORITHM", file, "only SHA-256 digests are judged")];
    case "not-listed":
      return [fileReason("NOT_IN_ALLOWLIST", file, "the policy does not list this path")];
    case "digest-mismatch":
      return [fileReason("DIGEST_MISMATCH", file, "the policy lists this path with other content")];
  }
}
