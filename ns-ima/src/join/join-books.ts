// SPDX-License-Identifier: Apache-2.0

import type { NamespaceId } from "../log/event.ts";
import { ClaimBook } from "./claim-book.ts";
import { EntryBook } from "./entry-book.ts";
import { RunBook } from "./run-book.ts";
import { SignatureBook } from "./signature-book.ts";

/** How much of the books a state has read, and which of their versions. */
export interface BookMarks {
  readonly version: number;
  readonly round: number;
  readonly entries: number;
  readonly claims: number;
  readonly runs: number;
  readonly namespaces: number;
}

/**
 * What grows with the list and the log of a node. Nothing in the books changes for who has read them: a state reads up
 * to where they ended in its time, and the next state writes behind that, in the same books. Only when somebody has
 * written there already, be it another successor or one that failed, the books are copied.
 */
export class JoinBooks {
  readonly entries: EntryBook;
  readonly claims: ClaimBook;
  readonly runs: RunBook;
  readonly signatures: SignatureBook;
  /** Ids by the order of their opening; the host's first. */
  readonly namespaces: NamespaceId[];
  /** Grows with everybody who writes. */
  #version = 0;

  constructor(
    entries: EntryBook = new EntryBook(),
    claims: ClaimBook = new ClaimBook(),
    runs: RunBook = new RunBook(),
    namespaces: NamespaceId[] = [],
  ) {
    this.entries = entries;
    this.claims = claims;
    this.runs = runs;
    this.namespaces = namespaces;
    this.signatures = new SignatureBook(entries);
  }

  /** Books that the successor of a state may write: these, or a copy at the cost of all that is in them. */
  after(marks: BookMarks): JoinBooks {
    const books = this.#version === marks.version ? this : this.#copy(marks);
    books.#version++;
    return books;
  }

  /** The version that a state which has read to the end notes down. */
  get version(): number {
    return this.#version;
  }

  #copy({ entries, round, claims, runs, namespaces }: BookMarks): JoinBooks {
    const copy = new JoinBooks(
      this.entries.copy(entries, round),
      this.claims.copy(claims),
      this.runs.copy(runs),
      this.namespaces.slice(0, namespaces),
    );
    for (let index = 0; index < entries; index++) {
      copy.signatures.add(index, copy.entries.content(index));
    }
    return copy;
  }
}
