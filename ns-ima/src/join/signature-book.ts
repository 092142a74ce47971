// SPDX-License-Identifier: Apache-2.0

import type { FileDigest } from "../log/event.ts";
import { namesContent, sameDigest } from "./content.ts";
import type { EntryBook } from "./entry-book.ts";
import type { JoinEntry } from "./entry-owner.ts";
import { NumberRows } from "./number-rows.ts";
import { hashOfDigest } from "./row-hash.ts";
import { RowIndex } from "./row-index.ts";

const ENTRY = 0;
/** Of the first entry with a digest: the last row of that digest. Of the others: the row before. */
const LINK = 1;
const WIDTH = 2;

class SignedIndex extends RowIndex<FileDigest> {
  readonly #entries: EntryBook;
  readonly #rows: NumberRows;

  constructor(entries: EntryBook, rows: NumberRows) {
    super();
    this.#entries = entries;
    this.#rows = rows;
  }

  protected keyOf(row: number): FileDigest {
    return this.#entries.content(this.#rows.get(row, ENTRY)).digest as FileDigest;
  }

  protected hash({ value }: FileDigest): number {
    return hashOfDigest(value);
  }

  protected same(a: FileDigest, b: FileDigest): boolean {
    return sameDigest(a, b);
  }
}

/** The entries of an {@link EntryBook} that have a signature, by the digest of their file. It only grows. */
export class SignatureBook {
  readonly #entries: EntryBook;
  readonly #rows = new NumberRows(WIDTH);
  readonly #byDigest: SignedIndex;

  constructor(entries: EntryBook) {
    this.#entries = entries;
    this.#byDigest = new SignedIndex(entries, this.#rows);
  }

  /** Notes the entry at `index`, whose content this is. */
  add(index: number, { digest, signature }: JoinEntry): void {
    if (signature === null || !namesContent(digest)) return;
    const row = this.#rows.add();
    this.#rows.set(row, ENTRY, index);
    const first = this.#byDigest.put(digest, row);
    this.#rows.set(row, LINK, first === row ? row : this.#rows.get(first, LINK));
    this.#rows.set(first, LINK, row);
  }

  /** The signatures of the first `length` entries for a file with this digest, each once, in no order. */
  signaturesOf(digest: FileDigest, length: number): readonly Uint8Array[] {
    const first = this.#byDigest.find(digest);
    if (first === undefined) return [];
    const signatures = new Map<string, Uint8Array>();
    let row = first;
    do {
      const index = this.#rows.get(row, ENTRY);
      const signature = this.#entries.content(index).signature as Uint8Array;
      if (index < length) signatures.set(latin1(signature), signature);
      row = this.#rows.get(row, LINK);
    } while (row !== first);
    return [...signatures.values()];
  }
}

function latin1({ buffer, byteOffset, length }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, length).toString("latin1");
}
