// SPDX-License-Identifier: Apache-2.0

/**
 * `past` when `next` says the same, field by field, by identity; else `next`. What did not change stays the same
 * object, so that nobody has to look into it again.
 */
export function unchanged<T extends object>(past: T | undefined, next: T): T {
  if (past === undefined) return next;
  const was = past as Readonly<Record<string, unknown>>;
  return Object.entries(next).every(([field, value]) => was[field] === value) ? past : next;
}
