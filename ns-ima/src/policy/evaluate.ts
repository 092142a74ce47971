// SPDX-License-Identifier: Apache-2.0

import { NsImaError } from "../error.ts";
import type { BytePath, FileDigest } from "../log/event.ts";
import type { Keyring, SignatureProblem } from "../signature/keyring.ts";
import type { Allowlist, PathForm } from "./allowlist.ts";
import { type DenyList, denyReason, NOTHING_DENIED } from "./deny-list.ts";
import { bothTables, type DigestTable } from "./digest-table.ts";

/** The buffer or key of an `ima-buf` record. */
export interface MeasuredBuffer {
  /** Name of the buffer or keyring. */
  readonly path: BytePath;
  readonly digest: FileDigest;
}

/** A file that was executed, or that the host list has. */
export interface Measured {
  readonly path: BytePath;
  readonly digest: FileDigest;
  /** Every signature known of a file with this digest, as `sig` fields have them; empty when none is known. */
  readonly signatures: readonly Uint8Array[];
}

/**
 * - `denied`: the policy denies this digest, whatever else it says; `reason` is the policy's text
 * - `allowed`: `by` the policy's digest for this path, or by a `signature` of one of its keys over this digest
 * - `excluded`: not allowed, but the policy does not judge this path
 * - `algorithm`: not a SHA-256 digest; a file's attributes choose the algorithm, so weaker ones prove nothing
 * - `not-listed`: the policy does not know the path
 * - `digest-mismatch`: the policy knows the path with other digests (SHA-256 in hex)
 *
 * `signature` says what was wrong with the signatures that could have helped; absent where there was none.
 */
export type PolicyDecision =
  | { readonly outcome: "denied"; readonly reason: string }
  | { readonly outcome: "allowed"; readonly by: "digest" | "signature" }
  | { readonly outcome: "excluded" }
  | { readonly outcome: "algorithm" | "not-listed"; readonly signature?: SignatureProblem }
  | { readonly outcome: "digest-mismatch"; readonly expected: readonly string[] };

/** A policy that can be asked. Holds no state: one serves every namespace that is bound to it. */
export interface CompiledRuntimePolicy {
  /** The digests that it lists: for whoever explains what it has decided. */
  readonly files: Readonly<Record<PathForm, DigestTable>>;
  /** Whether a signature can allow anything: without one, to wait for signatures is useless. */
  readonly acceptsSignatures: boolean;
  /** Whether the file may be executed. An execution whose digest is not known cannot be asked about. */
  evaluateExecution(file: Measured, form: PathForm): PolicyDecision;
  /** Whether the buffer or key of an `ima-buf` record, named as in the list, may be there. Never by a signature. */
  evaluateBuffer(buffer: MeasuredBuffer): PolicyDecision;
}

/** What a runtime policy is bound to. */
export interface PolicyBinding {
  /** A further allowlist whose files may be executed too; of its buffers, keys and excludes none count. */
  readonly shared?: Allowlist | null;
  /** Digests that are denied before everything. */
  readonly denied?: DenyList;
  /** Keys whose signatures allow what the policy does not list; without them none does. */
  readonly keyring?: Keyring | null;
}

const BY_DIGEST: PolicyDecision = { outcome: "allowed", by: "digest" };
const BY_SIGNATURE: PolicyDecision = { outcome: "allowed", by: "signature" };
const EXCLUDED: PolicyDecision = { outcome: "excluded" };
const ALGORITHM: PolicyDecision = { outcome: "algorithm" };

/**
 * Makes an allowlist answer, in this order: denied digests, the digests of the path, signatures, excludes. Excludes apply
 * to files and buffers, as in Keylime, and are matched against the path in the form it is asked in.
 *
 * A path that the policy lists is judged by its digests alone. There a signature does not help, other than in Keylime:
 * whoever lists a path has said which content it has, and an older, vulnerable one is signed as well.
 *
 * @throws NsImaError `POLICY_EMPTY` when there is neither a digest nor a keyring, so that nothing could ever be allowed
 */
export function compileRuntimePolicy(
  { files: own, buffers, isExcluded }: Allowlist,
  { shared = null, denied = NOTHING_DENIED, keyring = null }: PolicyBinding = {},
): CompiledRuntimePolicy {
  const files =
    shared === null
      ? own
      : {
          exact: bothTables(own.exact, shared.files.exact),
          ima: bothTables(own.ima, shared.files.ima),
        };
  if (files.exact.isEmpty && keyring === null) {
    throw new NsImaError(
      "POLICY_EMPTY",
      "no SHA-256 digest and no key, so nothing could be allowed",
    );
  }

  // Excludes are asked last, and only about what is not allowed: they can only turn a failure into `excluded`, and a
  // pattern costs more than a look-up.
  const decide = (
    table: DigestTable,
    { path, digest }: MeasuredBuffer,
    signatures: readonly Uint8Array[],
  ): PolicyDecision => {
    const reason = denyReason(denied, digest);
    if (reason !== undefined) return { outcome: "denied", reason };
    const isStrong = digest.algorithm === "sha256";
    if (isStrong && table.allows(path, digest.value)) return BY_DIGEST;
    if (table.has(path)) {
      if (isExcluded(path)) return EXCLUDED;
      return isStrong ? { outcome: "digest-mismatch", expected: table.expected(path) } : ALGORITHM;
    }
    const signature = judgeSignatures(keyring, signatures, digest);
    if (signature === "valid") return BY_SIGNATURE;
    if (isExcluded(path)) return EXCLUDED;
    const outcome = isStrong ? "not-listed" : "algorithm";
    return signature === undefined ? { outcome } : { outcome, signature };
  };
  return {
    files,
    acceptsSignatures: keyring !== null,
    evaluateExecution: (file, form) => decide(files[form], file, file.signatures),
    evaluateBuffer: (buffer) => decide(buffers, buffer, []),
  };
}

/** `valid` when one of them is; else what came closest to it. Undefined when there is none, or nobody to ask. */
function judgeSignatures(
  keyring: Keyring | null,
  signatures: readonly Uint8Array[],
  digest: FileDigest,
): "valid" | SignatureProblem | undefined {
  if (keyring === null) return undefined;
  const found = new Set(signatures.map((signature) => keyring.judge(signature, digest)));
  return CLOSEST.find((judgement) => found.has(judgement));
}

const CLOSEST = ["valid", "revoked-key", "invalid", "unknown-key"] as const;
