// SPDX-License-Identifier: Apache-2.0

import type { Check } from "../attacks/checks/check.ts";

/** How often `excerpt` occurs in `source`. */
export function occurrences(source: string, excerpt: string): number {
  return source.split(excerpt).length - 1;
}

/** `source` without the check. Throws unless its excerpt is there exactly once: then nothing would be shown. */
export function withoutCheck(source: string, { file, excerpt, without }: Check): string {
  const found = occurrences(source, excerpt);
  if (found !== 1) throw new Error(`${file} has ${found} times: ${excerpt}`);
  return source.replace(excerpt, () => without);
}
