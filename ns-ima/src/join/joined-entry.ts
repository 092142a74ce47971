// SPDX-License-Identifier: Apache-2.0

import type { JoinedEntry } from "./entry-owner.ts";
import type { JoinState, OwnerCounts } from "./join-state.ts";
import { ownerOf } from "./owner-number.ts";

/** The entry at `index` and who answers for it now; undefined beyond the list. */
export function joinedEntry(state: JoinState, index: number): JoinedEntry | undefined {
  return index < state.entries ? entryAt(state, index) : undefined;
}

/** The same for an index below `state.entries`. */
export function entryAt({ books, mark, round: present }: JoinState, index: number): JoinedEntry {
  const { entries, namespaces } = books;
  const content = entries.content(index);
  const { template, kind, violation, path, digest } = content;
  const owner = index < mark ? ownerOf(entries.ownerAt(index, present), namespaces) : "pending";
  const round = entries.roundOf(index);
  return { index, owner, round, content, template, kind, violation, path, digest };
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
