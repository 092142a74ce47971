// SPDX-License-Identifier: Apache-2.0

const TEXT_MAX = 80;
/** Two characters of two bytes each: variables are called `PK` and `db`. */
const WIDE = /(?:[ -~]\0){2,}/g;
const NARROW = /[ -~]{4,}/g;

/**
 * What a person can read in an event's data: the longest text of two-byte characters (names of variables, paths of
 * programs), else of one-byte ones; empty without any. At most 80 characters, all of them printable ASCII.
 *
 * For showing only: data is a claim of whoever wrote the log.
 */
export function eventText(data: Uint8Array): string {
  const text = Buffer.from(data).toString("latin1");
  const wide = longest(text.match(WIDE)).replaceAll("\0", "");
  return (wide === "" ? longest(text.match(NARROW)) : wide).substring(0, TEXT_MAX);
}

function longest(found: readonly string[] | null): string {
  return (found ?? []).reduce((best, each) => (each.length > best.length ? each : best), "");
}
