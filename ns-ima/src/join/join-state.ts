// SPDX-License-Identifier: Apache-2.0

import type { NamespaceId } from "../log/event.ts";
import { LayeredMap } from "../log/layered-map.ts";
import type { Chain } from "./chain.ts";
import type { Claim } from "./claim.ts";
import type { EntryOwner, JoinEntry } from "./entry-owner.ts";
import type { NamespaceFacts } from "./namespace-facts.ts";

export type SettledOwner = Exclude<EntryOwner, "pending">;

/** What is kept of one entry. */
export interface EntryFacts extends Omit<JoinEntry, "templateDigest"> {
  /** The template digest as a key: what claims name. */
  readonly claimKey: string;
  /** See `digestKey`. */
  readonly contentKey: string | null;
  readonly isRuntime: boolean;
  readonly round: number;
}

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
 * leaves this one usable. Read it through `joinedEntry`, `joinedNamespace` and their kin.
 */
export interface JoinState {
  /** Number of evidences joined. */
  readonly round: number;
  /** Entries of the host list that are known. */
  readonly entries: number;
  /** Entries below it are settled: the last mark, or the length of the list at attach. */
  readonly mark: number;
  /** Where in the log that mark stands. */
  readonly markedAt: number;
  readonly counts: OwnerCounts;
  /** Events so far; positions in the log are numbers of events. */
  readonly events: number;
  readonly hostGapAt: number;
  /** True when claims were lost since the last mark. */
  readonly losing: boolean;
  /** Violations that were announced and not yet found in the list, by who caused them. */
  readonly violations: ReadonlyMap<NamespaceId, number>;
  readonly lateClaims: readonly LateClaim[];
  readonly facts: LayeredMap<number, EntryFacts>;
  readonly owners: LayeredMap<number, SettledOwner>;
  /** Entries by template digest. Violations are in none. */
  readonly indices: LayeredMap<string, NonNullable<Chain<number>>>;
  readonly claims: LayeredMap<string, NonNullable<Chain<Claim>>>;
  /** First container that executed a content. */
  readonly firstRunner: LayeredMap<string, NamespaceId>;
  /** Keys of what was met before: each claim, execution and finding counts once. */
  readonly seen: LayeredMap<string, true>;
  readonly namespaces: LayeredMap<NamespaceId, NamespaceFacts>;
  /** In the order of their opening; the host first. */
  readonly ids: Chain<NamespaceId>;
}

/** Nothing joined yet. */
export const EMPTY_JOIN: JoinState = Object.freeze({
  round: 0,
  entries: 0,
  mark: 0,
  markedAt: 0,
  counts: Object.freeze({ host: 0, namespaces: 0, unowned: 0, gap: 0 }),
  events: 0,
  hostGapAt: -1,
  losing: false,
  violations: new Map<NamespaceId, number>(),
  lateClaims: [],
  facts: new LayeredMap<number, EntryFacts>(),
  owners: new LayeredMap<number, SettledOwner>(),
  indices: new LayeredMap<string, NonNullable<Chain<number>>>(),
  claims: new LayeredMap<string, NonNullable<Chain<Claim>>>(),
  firstRunner: new LayeredMap<string, NamespaceId>(),
  seen: new LayeredMap<string, true>(),
  namespaces: new LayeredMap<NamespaceId, NamespaceFacts>(),
  ids: null,
});
