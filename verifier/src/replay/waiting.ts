// SPDX-License-Identifier: Apache-2.0

import type { JoinState } from "@nsattest/ns-ima";

/** Since when host-list entries have been above the last mark, oldest first: entries below `upTo` came at `since`. */
export type Waiting = readonly { readonly upTo: number; readonly since: number }[];

/** `past` without what a mark has settled, and with what came now (milliseconds since the epoch). */
export function waitingAfter(past: Waiting, { entries, mark }: JoinState, now: number): Waiting {
  const known = past.at(-1)?.upTo ?? 0;
  const all = entries > known ? [...past, { upTo: entries, since: now }] : past;
  return all.filter(({ upTo }) => upTo > mark);
}

/** True when the oldest of them came more than `seconds` ago. */
export function isStalled(waiting: Waiting, now: number, seconds: number): boolean {
  const [oldest] = waiting;
  return oldest !== undefined && now - oldest.since > seconds * 1000;
}
