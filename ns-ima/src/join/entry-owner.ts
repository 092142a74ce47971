// SPDX-License-Identifier: Apache-2.0

import type { EntryContent } from "../list/entry.ts";
import type { NamespaceId } from "../log/event.ts";

/**
 * Who answers for an entry of the host list:
 *
 * - `host`: the host's policy judges it, excludes and all
 * - `unowned`: nobody was seen to cause it. It fails the host, whatever the host's excludes say
 * - `gap`: nobody was seen to cause it, in an interval in which the kernel is known to have lost such events. It is
 *   neither cleared nor anybody's fault
 * - `pending`: no mark above it yet
 * - `{ns}`: a container's, judged by that namespace's policy
 */
export type EntryOwner = "host" | "unowned" | "gap" | "pending" | { readonly ns: NamespaceId };

/** What the join reads of an entry; an {@link EntryContent} that the replay has matched. */
export type JoinEntry = Pick<
  EntryContent,
  | "template"
  | "kind"
  | "templateDigest"
  | "violation"
  | "digest"
  | "path"
  | "signature"
  | "clearedBy"
>;

/** An entry and who answers for it. Path and digest of a violation are nobody's word. */
export interface JoinedEntry extends Omit<JoinEntry, "templateDigest" | "signature" | "clearedBy"> {
  readonly content: JoinEntry;
  /** Place in the host list, from 0. */
  readonly index: number;
  readonly owner: EntryOwner;
  /** Number of the evidence it came with (`JoinState.round`): how long a pending entry has been waiting. */
  readonly round: number;
}
