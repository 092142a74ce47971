// SPDX-License-Identifier: Apache-2.0

import { NsImaError } from "../error.ts";
import { HOST, type NamespaceId, type NsOpenEvent } from "../log/event.ts";
import type { MapDraft } from "../log/layered-map.ts";
import type { Chain } from "./chain.ts";
import type { Claim } from "./claim.ts";
import type { EntryFacts, JoinState, LateClaim, SettledOwner } from "./join-state.ts";
import {
  digestKey,
  type Execution,
  type NamespaceFacts,
  newNamespace,
  type UnstableFinding,
} from "./namespace-facts.ts";

/** The next {@link JoinState} while it is made: it keeps the books, the rules are in join.ts. */
export class JoinDraft {
  readonly round: number;
  entries: number;
  mark: number;
  markedAt: number;
  events: number;
  hostGapAt: number;
  losing: boolean;
  lateClaims: LateClaim[];
  /** Entries that are new or whose owner has changed. */
  readonly touched: Set<number> = new Set();
  readonly executed: { readonly ns: NamespaceId; readonly execution: Execution }[] = [];
  readonly facts: MapDraft<number, EntryFacts>;
  readonly owners: MapDraft<number, SettledOwner>;
  readonly indices: MapDraft<string, NonNullable<Chain<number>>>;
  readonly claims: MapDraft<string, NonNullable<Chain<Claim>>>;
  readonly firstRunner: MapDraft<string, NamespaceId>;
  readonly #counts: { -readonly [K in keyof JoinState["counts"]]: number };
  readonly #violations: Map<NamespaceId, number>;
  readonly #seen: MapDraft<string, true>;
  readonly #namespaces: MapDraft<NamespaceId, NamespaceFacts>;
  #ids: Chain<NamespaceId>;

  constructor(state: JoinState) {
    this.round = state.round + 1;
    this.entries = state.entries;
    this.mark = state.mark;
    this.markedAt = state.markedAt;
    this.events = state.events;
    this.hostGapAt = state.hostGapAt;
    this.losing = state.losing;
    this.lateClaims = [...state.lateClaims];
    this.facts = state.facts.draft();
    this.owners = state.owners.draft();
    this.indices = state.indices.draft();
    this.claims = state.claims.draft();
    this.firstRunner = state.firstRunner.draft();
    this.#counts = { ...state.counts };
    this.#violations = new Map(state.violations);
    this.#seen = state.seen.draft();
    this.#namespaces = state.namespaces.draft();
    this.#ids = state.ids;
  }

  seal(): JoinState {
    return {
      round: this.round,
      entries: this.entries,
      mark: this.mark,
      markedAt: this.markedAt,
      counts: this.#counts,
      events: this.events,
      hostGapAt: this.hostGapAt,
      losing: this.losing,
      violations: this.#violations,
      lateClaims: this.lateClaims,
      facts: this.facts.seal(),
      owners: this.owners.seal(),
      indices: this.indices.seal(),
      claims: this.claims.seal(),
      firstRunner: this.firstRunner.seal(),
      seen: this.#seen.seal(),
      namespaces: this.#namespaces.seal(),
      ids: this.#ids,
    };
  }

  /** True the first time for each key. */
  isNew(key: string): boolean {
    if (this.#seen.has(key)) return false;
    this.#seen.set(key, true);
    return true;
  }

  /** @throws NsImaError `LOG_NAMESPACE_REOPENED` */
  open(ns: NamespaceId, event: NsOpenEvent | null): void {
    if (this.#namespaces.has(ns)) {
      throw new NsImaError("LOG_NAMESPACE_REOPENED", `${ns} was opened before`);
    }
    this.#namespaces.set(ns, newNamespace(event, this.events));
    this.#ids = { last: ns, before: this.#ids };
  }

  /** @throws NsImaError `LOG_NAMESPACE_UNKNOWN` */
  namespace(ns: NamespaceId): NamespaceFacts {
    const facts = this.#namespaces.get(ns);
    if (!facts) throw new NsImaError("LOG_NAMESPACE_UNKNOWN", `${ns} was not opened`);
    return facts;
  }

  update(ns: NamespaceId, change: Partial<NamespaceFacts>): void {
    this.#namespaces.set(ns, { ...this.namespace(ns), ...change });
  }

  /** @throws NsImaError `MARK_BEYOND_LIST` */
  entryAt(index: number): EntryFacts {
    const facts = this.facts.get(index);
    if (!facts) {
      throw new NsImaError("MARK_BEYOND_LIST", `a mark above ${index} of ${this.entries} entries`);
    }
    return facts;
  }

  /** Gives an entry its owner, or another one. */
  settle(index: number, owner: SettledOwner): void {
    const before = this.owners.get(index);
    if (before !== undefined) this.#counts[countOf(before)]--;
    this.#counts[countOf(owner)]++;
    this.owners.set(index, owner);
    this.touched.add(index);
    const ns = owner === "host" ? HOST : typeof owner === "object" ? owner.ns : null;
    if (ns !== null) {
      this.update(ns, { entries: { last: index, before: this.namespace(ns).entries } });
    }
  }

  /** True when the host or the namespace itself missed something since the last mark. */
  hasMissed(ns: NamespaceId): boolean {
    return Math.max(this.namespace(ns).gapAt, this.hostGapAt) > this.markedAt;
  }

  hasRun(ns: NamespaceId, contentKey: string): boolean {
    return this.#seen.has(runKey(ns, contentKey));
  }

  run(ns: NamespaceId, execution: Execution): void {
    const { how, path, digest, flags } = execution;
    const contentKey = digestKey(digest);
    if (!this.isNew(`execution ${ns} ${how} ${flags} ${contentKey} ${path}`)) return;
    this.update(ns, { executions: { last: execution, before: this.namespace(ns).executions } });
    this.executed.push({ ns, execution });
    if (contentKey === null) return;
    this.#seen.set(runKey(ns, contentKey), true);
    if (ns !== HOST && !this.firstRunner.has(contentKey)) this.firstRunner.set(contentKey, ns);
  }

  accuse(ns: NamespaceId, finding: UnstableFinding): void {
    const { reason, path, digest } = finding;
    if (!this.isNew(`unstable ${ns} ${reason} ${digestKey(digest)} ${path}`)) return;
    this.update(ns, { unstable: { last: finding, before: this.namespace(ns).unstable } });
  }

  announceViolation(ns: NamespaceId): void {
    this.#violations.set(ns, (this.#violations.get(ns) ?? 0) + 1);
  }

  /** Who answers for the next violation in the list; undefined when all that were announced have been found. */
  takeViolation(): NamespaceId | undefined {
    for (const [ns, count] of this.#violations) {
      // The host before all others: else a container could announce violations for the host's to vanish in.
      if (ns !== HOST && this.#violations.has(HOST)) continue;
      if (count > 1) this.#violations.set(ns, count - 1);
      else this.#violations.delete(ns);
      return ns;
    }
    return undefined;
  }
}

function countOf(owner: SettledOwner): keyof JoinState["counts"] {
  return typeof owner === "object" ? "namespaces" : owner;
}

function runKey(ns: NamespaceId, contentKey: string): string {
  return `run ${ns} ${contentKey}`;
}
