// SPDX-License-Identifier: Apache-2.0

import { Buffer } from "node:buffer";
import { imaPath } from "../list/byte-path.ts";
import type { BytePath, FileDigest } from "../log/event.ts";
import type { Keyring, SignatureProblem } from "../signature/keyring.ts";
import { type DenyList, denyReason, NOTHING_DENIED } from "./deny-list.ts";
import { compileExcludes, type PatternCompiler } from "./excludes.ts";
import type { DigestTable, RuntimePolicy } from "./runtime-policy.ts";

/**
 * How a path is written: `exact` as the file system has it (executions in the namespace log), `ima` with `_` for spaces
 * (host list). With `ima`, the digests of all paths that IMA writes that way count.
 */
export type PathForm = "exact" | "ima";

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
  /** The digests that it lists, by the path as the file system has it: for whoever explains what it has decided. */
  readonly files: DigestTable;
  /** Whether a signature can allow anything: without one, to wait for signatures is useless. */
  readonly acceptsSignatures: boolean;
  /** Whether the file may be executed. An execution whose digest is not known cannot be asked about. */
  evaluateExecution(file: Measured, form: PathForm): PolicyDecision;
  /** Whether the buffer or key of an `ima-buf` record, named as in the list, may be there. Never by a signature. */
  evaluateBuffer(buffer: MeasuredBuffer): PolicyDecision;
}

/** What a runtime policy is bound to. */
export interface PolicyBinding {
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
 * Makes `policy` answer, in this order: denied digests, the digests of the path, signatures, excludes. Excludes apply
 * to files and buffers, as in Keylime, and are matched against the path in the form it is asked in.
 *
 * A path that the policy lists is judged by its digests alone. There a signature does not help, other than in Keylime:
 * whoever lists a path has said which content it has, and an older, vulnerable one is signed as well.
 *
 * @throws NsImaError `POLICY_PATTERN`
 */
export function compileRuntimePolicy(
  policy: RuntimePolicy,
  compilePattern: PatternCompiler,
  { denied = NOTHING_DENIED, keyring = null }: PolicyBinding = {},
): CompiledRuntimePolicy {
  const isExcluded = compileExcludes(policy.excludes, compilePattern);
  const files = { exact: policy.files, ima: imaTable(policy.files) };
  const buffers = imaTable(policy.buffers);

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
    const expected = table.get(path);
    if (expected !== undefined) {
      if (isStrong && expected.includes(Buffer.from(digest.value).toString("hex")))
        return BY_DIGEST;
      if (isExcluded(path)) return EXCLUDED;
      return isStrong ? { outcome: "digest-mismatch", expected } : ALGORITHM;
    }
    const signature = judgeSignatures(keyring, signatures, digest);
    if (signature === "valid") return BY_SIGNATURE;
    if (isExcluded(path)) return EXCLUDED;
    const outcome = isStrong ? "not-listed" : "algorithm";
    return signature === null ? { outcome } : { outcome, signature };
  };
  return {
    files: policy.files,
    acceptsSignatures: keyring !== null,
    evaluateExecution: (file, form) => decide(files[form], file, file.signatures),
    evaluateBuffer: (buffer) => decide(buffers, buffer, []),
  };
}

/** `valid` when one of them is; else what came closest to it. Null when there is nothing to judge, or nobody to ask. */
function judgeSignatures(
  keyring: Keyring | null,
  signatures: readonly Uint8Array[],
  digest: FileDigest,
): "valid" | SignatureProblem | null {
  if (keyring === null || signatures.length === 0) return null;
  const found = new Set(signatures.map((signature) => keyring.judge(signature, digest)));
  return CLOSEST.find((judgement) => found.has(judgement)) ?? null;
}

const CLOSEST = ["valid", "revoked-key", "invalid", "unknown-key"] as const;

/** `table` by the paths that IMA writes; the same table where no path has a space. */
function imaTable(table: DigestTable): DigestTable {
  const spaced = [...table].filter(([path]) => path.includes(" "));
  if (spaced.length === 0) return table;
  const folded = new Map(table);
  for (const [path] of spaced) folded.delete(path);
  for (const [path, digests] of spaced) {
    const written = imaPath(path);
    folded.set(written, [...(folded.get(written) ?? []), ...digests]);
  }
  return folded;
}
