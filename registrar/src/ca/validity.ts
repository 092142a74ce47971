// SPDX-License-Identifier: Apache-2.0

const HOUR_MS = 3_600_000;
/** Certificates begin a little earlier, for machines whose clock is behind. */
const CLOCK_SKEW_MS = HOUR_MS;

/** Span of a certificate made at `now` for `hours`. */
export function validityFrom(now: Date, hours: number): { notBefore: Date; notAfter: Date } {
  return {
    notBefore: new Date(now.getTime() - CLOCK_SKEW_MS),
    notAfter: new Date(now.getTime() + hours * HOUR_MS),
  };
}
