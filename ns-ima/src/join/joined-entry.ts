// SPDX-License-Identifier: Apache-2.0

import type { JoinedEntry } from "./entry-owner.ts";
import type { JoinState, OwnerCounts } from "./join-state.ts";

/** The entry at `index` and who answers for it now; undefined beyond the list. */
export function joinedEntry(state: JoinState, index: number): JoinedEntry | undefined {
  const facts = state.facts.get(index);
  if (!facts) return undefined;
  const { template, violation, path, digest, round } = facts;
  const owner = state.owners.get(index) ?? "pending";
  return { index, owner, round, template, violation, path, digest };
}

/** How many entries there are of each owner; together all that are known. */
export function ownerCounts(state: JoinState): OwnerCounts & { readonly pending: number } {
  return { ...state.counts, pending: state.entries - state.mark };
}

/**
 * The entry that has been waiting longest for a mark; undefined when none is. The caller knows when its round was, and
 * for how long a log may stand still.
 */
export function oldestPending(state: JoinState): JoinedEntry | undefined {
  return joinedEntry(state, state.mark);
}
