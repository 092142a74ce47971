// SPDX-License-Identifier: Apache-2.0

import type { NamespaceId } from "../log/event.ts";
import { LayeredMap } from "../log/layered-map.ts";
import type { EntryOwner } from "./entry-owner.ts";
import { type BookMarks, JoinBooks } from "./join-books.ts";
import type { NamespaceFacts } from "./namespace-facts.ts";

export type SettledOwner = Exclude<EntryOwner, "pending">;

/** A claim of an entry whose owner is settled: at the next mark the claimant must have executed its content. */
export interface LateClaim {
  readonly ns: NamespaceId;
  readonly index: number;
}

/** Numbers of settled entries by owner. */
export interface OwnerCounts {
  readonly host: number;
  readonly namespaces: number;
  readonly unowned: number;
  readonly gap: number;
}

/**
 * Where the join of one node's host list and namespace log stands. A value: `joinEvidence` makes the next one and
 * leaves this one as it was, also where both share memory. Going on from the newest state costs what is new; from an
 * older one, or after a join that has thrown, it costs once what is there. Read it through `joinedEntry`,
 * `joinedNamespace` and their kin.
 */
export interface JoinState extends BookMarks {
  /** Number of evidences joined. */
  readonly round: number;
  /** Entries of the host list that are known. */
  readonly entries: number;
  /** Entries below it are settled: the last mark, or the length of the list at attach. */
  readonly mark: number;
  /** Where in the log that mark stands. */
  readonly markedAt: number;
  /** Number of marks so far. */
  readonly marks: number;
  readonly counts: OwnerCounts;
  /** Events so far; positions in the log are numbers of events. */
  readonly events: number;
  readonly hostGapAt: number;
  /** True when claims were lost since the last mark. */
  readonly losing: boolean;
  /** Violations that were announced and not yet found in the list, by who caused them. */
  readonly violations: ReadonlyMap<NamespaceId, number>;
  readonly lateClaims: readonly LateClaim[];
  /** May hold more than this state has read. */
  readonly books: JoinBooks;
  readonly facts: LayeredMap<NamespaceId, NamespaceFacts>;
  /** Keys of the findings there are: each counts once. */
  readonly accused: LayeredMap<string, true>;
}

/** Nothing joined yet. Its books are nobody's: who goes on from it gets books of its own. */
export const EMPTY_JOIN: JoinState = Object.freeze({
  version: -1,
  round: 0,
  entries: 0,
  claims: 0,
  runs: 0,
  namespaces: 0,
  mark: 0,
  markedAt: 0,
  marks: 0,
  counts: Object.freeze({ host: 0, namespaces: 0, unowned: 0, gap: 0 }),
  events: 0,
  hostGapAt: -1,
  losing: false,
  violations: new Map<NamespaceId, number>(),
  lateClaims: [],
  books: new JoinBooks(),
  facts: new LayeredMap<NamespaceId, NamespaceFacts>(),
  accused: new LayeredMap<string, true>(),
});
