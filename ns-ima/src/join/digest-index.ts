// SPDX-License-Identifier: Apache-2.0

import { sameBytes } from "./content.ts";
import type { JoinEntry } from "./entry-owner.ts";
import type { ReferenceRows } from "./reference-rows.ts";
import { hashOfDigest } from "./row-hash.ts";
import { RowIndex } from "./row-index.ts";

/** Finds rows by their template digest. */
export class DigestIndex extends RowIndex<Uint8Array> {
  readonly #rows: ReferenceRows<Pick<JoinEntry, "templateDigest">>;

  constructor(rows: ReferenceRows<Pick<JoinEntry, "templateDigest">>) {
    super();
    this.#rows = rows;
  }

  protected keyOf(row: number): Uint8Array {
    return this.#rows.get(row).templateDigest;
  }

  protected hash(key: Uint8Array): number {
    return hashOfDigest(key);
  }

  protected same(a: Uint8Array, b: Uint8Array): boolean {
    return sameBytes(a, b);
  }
}
