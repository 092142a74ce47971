// SPDX-License-Identifier: Apache-2.0

import { NsImaError } from "../error.ts";
import { type FileDigest, HOST, type NamespaceId } from "../log/event.ts";
import type { MapDraft } from "../log/layered-map.ts";
import type { Claim } from "./claim.ts";
import { namesContent } from "./content.ts";
import type { JoinEntry } from "./entry-owner.ts";
import { internOpening, type Opening } from "./intern-opening.ts";
import type { JoinBooks } from "./join-books.ts";
import type { JoinState, LateClaim, SettledOwner } from "./join-state.ts";
import {
  type Execution,
  type NamespaceFacts,
  newNamespace,
  type UnstableFinding,
} from "./namespace-facts.ts";
import { ownerNumber, ownerOf } from "./owner-number.ts";

/** A new execution. */
export interface JoinedExecution {
  readonly ns: NamespaceId;
  readonly execution: Execution;
  /** Number of the marks that stand before it in the log: `JoinState.marks` says when others have come. */
  readonly marks: number;
}

/** The next {@link JoinState} while it is made: it keeps the books, the rules are in join.ts. */
export class JoinDraft {
  readonly round: number;
  mark: number;
  markedAt: number;
  marks: number;
  events: number;
  losing: boolean;
  lateClaims: LateClaim[];
  /** Settled entries that became the host's. */
  readonly relieved: Set<number> = new Set();
  readonly executed: JoinedExecution[] = [];
  /** Namespaces of which something else is to be said, besides the entries that they answer for. */
  readonly changed: Set<NamespaceId> = new Set();
  readonly #books: JoinBooks;
  readonly #counts: { -readonly [K in keyof JoinState["counts"]]: number };
  readonly #violations: Map<NamespaceId, number>;
  readonly #facts: MapDraft<NamespaceId, NamespaceFacts>;
  readonly #accused: MapDraft<string, true>;
  #hostGapAt: number;

  constructor(state: JoinState) {
    this.#books = state.books.after(state);
    this.round = state.round + 1;
    this.mark = state.mark;
    this.markedAt = state.markedAt;
    this.marks = state.marks;
    this.events = state.events;
    this.losing = state.losing;
    this.lateClaims = [...state.lateClaims];
    this.#counts = { ...state.counts };
    this.#violations = new Map(state.violations);
    this.#facts = state.facts.draft();
    this.#accused = state.accused.draft();
    this.#hostGapAt = state.hostGapAt;
  }

  get entries(): number {
    return this.#books.entries.length;
  }

  seal(): JoinState {
    const books = this.#books;
    return {
      version: books.version,
      round: this.round,
      entries: books.entries.length,
      claims: books.claims.length,
      runs: books.runs.length,
      namespaces: books.namespaces.length,
      mark: this.mark,
      markedAt: this.markedAt,
      marks: this.marks,
      counts: this.#counts,
      events: this.events,
      hostGapAt: this.#hostGapAt,
      losing: this.losing,
      violations: this.#violations,
      lateClaims: this.lateClaims,
      books,
      facts: this.#facts.seal(),
      accused: this.#accused.seal(),
    };
  }

  /** @throws NsImaError `LOG_NAMESPACE_REOPENED`; `LOG_NAMESPACE_UNKNOWN` before the host's */
  open(id: NamespaceId, opening: Opening): void {
    if (this.#facts.has(id)) {
      throw new NsImaError("LOG_NAMESPACE_REOPENED", `${id} was opened before`);
    }
    const number = this.#books.namespaces.length;
    if ((id === HOST) !== (number === 0)) {
      throw new NsImaError("LOG_NAMESPACE_UNKNOWN", `${id} was opened before the host`);
    }
    this.#books.namespaces.push(id);
    this.#set(newNamespace({ id, number, openedAt: this.events, ...internOpening(opening) }));
  }

  /** @throws NsImaError `LOG_NAMESPACE_UNKNOWN` */
  namespace(id: NamespaceId): NamespaceFacts {
    const facts = this.#facts.get(id);
    if (!facts) throw new NsImaError("LOG_NAMESPACE_UNKNOWN", `${id} was not opened`);
    return facts;
  }

  /** @throws NsImaError `LOG_NAMESPACE_UNKNOWN` */
  update(id: NamespaceId, change: Partial<NamespaceFacts>): void {
    this.#set({ ...this.namespace(id), ...change });
  }

  close(id: NamespaceId): void {
    this.update(id, { closed: { hostGapAt: this.#hostGapAt } });
  }

  missed(id: NamespaceId): void {
    if (id !== HOST) {
      this.update(id, { gapAt: this.events });
      return;
    }
    this.#hostGapAt = this.events;
    for (const open of this.#books.namespaces) {
      if (this.namespace(open).closed === null) this.changed.add(open);
    }
  }

  /** True when the host or the namespace itself missed something since the last mark. */
  hasMissed(id: NamespaceId): boolean {
    return Math.max(this.namespace(id).gapAt, this.#hostGapAt) > this.markedAt;
  }

  /** Makes room for `more` entries. */
  reserve(more: number): void {
    this.#books.entries.reserve(more);
  }

  addEntry(content: JoinEntry, isRuntime: boolean): void {
    const index = this.#books.entries.add(content, isRuntime, this.round);
    this.#books.signatures.add(index, content);
  }

  /** @throws NsImaError `MARK_BEYOND_LIST` */
  checkIndex(index: number): void {
    if (index > this.entries) {
      throw new NsImaError("MARK_BEYOND_LIST", `a mark above ${index} of ${this.entries} entries`);
    }
  }

  content(index: number): JoinEntry {
    return this.#books.entries.content(index);
  }

  isRuntime(index: number): boolean {
    return this.#books.entries.isRuntime(index);
  }

  ownerOf(index: number): SettledOwner {
    return ownerOf(this.#books.entries.ownerAt(index, this.round), this.#books.namespaces);
  }

  /** The settled entries with a template digest; the first one is the first in the list. */
  settledWith(templateDigest: Uint8Array): readonly number[] {
    const { entries } = this.#books;
    const first = entries.first(templateDigest);
    if (first === undefined || first >= this.mark) return [];
    return entries.sharing(first).filter((index) => index < this.mark);
  }

  /** Gives an entry its owner. */
  settle(index: number, owner: SettledOwner): void {
    this.#counts[countOf(owner)]++;
    this.#books.entries.settle(index, this.#numberOf(owner));
  }

  /** Makes a settled entry the host's. */
  relieve(index: number): void {
    this.#counts[countOf(this.ownerOf(index))]--;
    this.#counts.host++;
    this.#books.entries.relieve(index, this.round);
    this.relieved.add(index);
  }

  addClaim(templateDigest: Uint8Array, { ns, onHost }: Claim): void {
    const { entries, claims } = this.#books;
    const index = entries.first(templateDigest);
    const claimed =
      index === undefined
        ? { templateDigest: new Uint8Array(templateDigest) }
        : entries.content(index);
    claims.add(claimed, 2 * this.namespace(ns).opened.number + (onHost ? 1 : 0));
  }

  /** The claims of an entry, the first one first. */
  claimsOf(content: JoinEntry): readonly Claim[] {
    const { claims, namespaces } = this.#books;
    claims.adopt(content);
    return claims.claimantsOf(content.templateDigest).map((number) => ({
      ns: namespaces[number >>> 1] as NamespaceId,
      onHost: (number & 1) === 1,
    }));
  }

  hasRun(id: NamespaceId, digest: FileDigest): boolean {
    return this.#books.runs.hasRun(this.namespace(id).opened.number, digest);
  }

  /** The first container that executed a content. */
  firstRunner(digest: FileDigest): NamespaceId | undefined {
    const number = this.#books.runs.firstRunner(digest);
    return number === undefined ? undefined : this.#books.namespaces[number];
  }

  run(id: NamespaceId, execution: Execution): void {
    const { opened, lastRun } = this.namespace(id);
    const last = this.#books.runs.add(opened.number, execution, lastRun);
    if (last === lastRun) return;
    this.update(id, { lastRun: last });
    this.executed.push({ ns: id, execution, marks: this.marks });
  }

  accuse(id: NamespaceId, finding: UnstableFinding): void {
    const { reason, path, digest } = finding;
    const key = `${reason} ${contentKey(digest)} ${id} ${path}`;
    if (this.#accused.has(key)) return;
    this.#accused.set(key, true);
    this.update(id, { unstable: { last: finding, before: this.namespace(id).unstable } });
  }

  announceViolation(id: NamespaceId): void {
    this.#violations.set(id, (this.#violations.get(id) ?? 0) + 1);
  }

  /** Who answers for the next violation in the list; undefined when all that were announced have been found. */
  takeViolation(): NamespaceId | undefined {
    for (const [id, count] of this.#violations) {
      // The host before all others: else a container could announce violations for the host's to vanish in.
      if (id !== HOST && this.#violations.has(HOST)) continue;
      if (count > 1) this.#violations.set(id, count - 1);
      else this.#violations.delete(id);
      return id;
    }
    return undefined;
  }

  #set(facts: NamespaceFacts): void {
    this.#facts.set(facts.opened.id, facts);
    this.changed.add(facts.opened.id);
  }

  #numberOf(owner: SettledOwner): number {
    return ownerNumber(owner, (id) => this.namespace(id).opened.number);
  }
}

function countOf(owner: SettledOwner): keyof JoinState["counts"] {
  return typeof owner === "object" ? "namespaces" : owner;
}

function contentKey(digest: FileDigest | null): string {
  if (!namesContent(digest)) return "";
  return `${digest.algorithm}:${Buffer.from(digest.value).toString("hex")}`;
}
