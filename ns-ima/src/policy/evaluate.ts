// SPDX-License-Identifier: Apache-2.0

import { Buffer } from "node:buffer";
import { imaPath } from "../list/byte-path.ts";
import type { BytePath, FileDigest } from "../log/event.ts";
import { compileExcludes, type PatternCompiler } from "./excludes.ts";
import type { DigestTable, RuntimePolicy } from "./runtime-policy.ts";

/**
 * How a path is written: `exact` as the file system has it (executions in the namespace log), `ima` with `_` for spaces
 * (host list). With `ima`, the digests of all paths that IMA writes that way count.
 */
export type PathForm = "exact" | "ima";

export interface Measured {
  /** Path of the file, or name of the buffer or keyring. */
  readonly path: BytePath;
  readonly digest: FileDigest;
}

/**
 * - `allowed`: the policy lists this digest for this path
 * - `excluded`: not allowed, but the policy does not judge this path
 * - `algorithm`: not a SHA-256 digest; a file's attributes choose the algorithm, so weaker ones prove nothing
 * - `not-listed`: the policy does not know the path
 * - `digest-mismatch`: the policy knows the path with other digests (SHA-256 in hex)
 */
export type PolicyDecision =
  | { readonly outcome: "allowed" | "excluded" | "algorithm" | "not-listed" }
  | { readonly outcome: "digest-mismatch"; readonly expected: readonly string[] };

/** A policy that can be asked. Holds no state: one serves every namespace that is bound to it. */
export interface CompiledRuntimePolicy {
  /** Whether the file may be executed. An execution whose digest is not known cannot be asked about. */
  evaluateExecution(file: Measured, form: PathForm): PolicyDecision;
  /** Whether the buffer or key of an `ima-buf` record, named as in the list, may be there. */
  evaluateBuffer(buffer: Measured): PolicyDecision;
}

const ALLOWED: PolicyDecision = { outcome: "allowed" };
const EXCLUDED: PolicyDecision = { outcome: "excluded" };
const ALGORITHM: PolicyDecision = { outcome: "algorithm" };
const NOT_LISTED: PolicyDecision = { outcome: "not-listed" };

/**
 * Makes `policy` answer. Excludes apply to files and buffers, as in Keylime, and are matched against the path in the
 * form it is asked in.
 *
 * @throws NsImaError `POLICY_PATTERN`
 */
export function compileRuntimePolicy(
  policy: RuntimePolicy,
  compilePattern: PatternCompiler,
): CompiledRuntimePolicy {
  const isExcluded = compileExcludes(policy.excludes, compilePattern);
  const files = { exact: policy.files, ima: imaTable(policy.files) };
  const buffers = imaTable(policy.buffers);

  // Excludes are asked last, and only about what is not allowed: they can only turn a failure into `excluded`, and a
  // pattern costs more than a look-up.
  const decide = (table: DigestTable, measured: Measured): PolicyDecision => {
    const decision = lookUp(table, measured);
    return decision.outcome !== "allowed" && isExcluded(measured.path) ? EXCLUDED : decision;
  };
  return {
    evaluateExecution: (file, form) => decide(files[form], file),
    evaluateBuffer: (buffer) => decide(buffers, buffer),
  };
}

function lookUp(table: DigestTable, { path, digest }: Measured): PolicyDecision {
  if (digest.algorithm !== "sha256") return ALGORITHM;
  const expected = table.get(path);
  if (expected === undefined) return NOT_LISTED;
  if (expected.includes(Buffer.from(digest.value).toString("hex"))) return ALLOWED;
  return { outcome: "digest-mismatch", expected };
}

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
