// SPDX-License-Identifier: Apache-2.0

import type { BytePath } from "../log/event.ts";
import type { VerificationKey } from "../signature/verification-key.ts";
import type { DigestTable } from "./digest-table.ts";
import { compileExcludes, type PatternCompiler } from "./excludes.ts";
import type { RuntimePolicy } from "./runtime-policy.ts";

/**
 * How a path is written: `exact` as the file system has it (executions in the namespace log), `ima` with `_` for spaces
 * (host list). With `ima`, the digests of all paths that IMA writes that way count.
 */
export type PathForm = "exact" | "ima";

/** What one runtime policy says by itself, ready to be asked. Holds no state: whoever has the same policy shares it. */
export interface Allowlist {
  readonly files: Readonly<Record<PathForm, DigestTable>>;
  readonly buffers: DigestTable;
  /** Keys that the policy brings along. */
  readonly keys: readonly VerificationKey[];
  isExcluded(path: BytePath): boolean;
}

/** @throws NsImaError `POLICY_PATTERN` */
export function compileAllowlist(
  policy: RuntimePolicy,
  compilePatterns: PatternCompiler,
): Allowlist {
  const { files, buffers, keys, excludes } = policy;
  return { files, buffers, keys, isExcluded: compileExcludes(excludes, compilePatterns) };
}
