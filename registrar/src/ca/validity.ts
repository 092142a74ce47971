// SPDX-License-Identifier: Apache-2.0

const DAY_MS = 86_400_000;
/** Certificates begin a little earlier, for machines whose clock is behind. */
const CLOCK_SKEW_MS = 3_600_000;

/** Span of a certificate made at `now` for `days`. */
export function validityFrom(now: Date, days: number): { notBefore: Date; notAfter: Date } {
  return {
    notBefore: new Date(now.getTime() - CLOCK_SKEW_MS),
    notAfter: new Date(now.getTime() + days * DAY_MS),
  };
}
