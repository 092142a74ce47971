// SPDX-License-Identifier: Apache-2.0

import type { FileDigest } from "../log/event.ts";
import { namesContent, sameDigest } from "./content.ts";
import type { Execution } from "./namespace-facts.ts";
import { hashOfDigest, hashWith, hashWithText } from "./row-hash.ts";
import { RowIndex } from "./row-index.ts";

/** An execution and the number of the namespace that executed it. */
export interface Run {
  readonly ns: number;
  readonly execution: Execution;
}

/** A content that was executed and the number of the namespace that did, or of anybody. */
export interface ContentRun {
  readonly ns: number | null;
  readonly digest: FileDigest;
}

/** Where the rows of runs are. */
export interface RunRows {
  run(row: number): Run;
}

/** Finds runs by namespace, way, path, digest and flags; all digests that name no content are the same. */
export class RunIndex extends RowIndex<Run> {
  readonly #rows: RunRows;

  constructor(rows: RunRows) {
    super();
    this.#rows = rows;
  }

  protected keyOf(row: number): Run {
    return this.#rows.run(row);
  }

  protected hash({ ns, execution: { how, path, digest, flags } }: Run): number {
    const content = hashWith(digest === null ? 0 : hashOfDigest(digest.value), flags);
    return hashWith(hashWithText(hashWithText(content, how), path), ns);
  }

  protected same(a: Run, b: Run): boolean {
    return a.ns === b.ns && isSame(a.execution, b.execution);
  }
}

/** Finds runs with a content by namespace and content, or by content alone. */
export class ContentIndex extends RowIndex<ContentRun> {
  readonly #rows: RunRows;
  readonly #isOfAnybody: boolean;

  constructor(rows: RunRows, isOfAnybody: boolean) {
    super();
    this.#rows = rows;
    this.#isOfAnybody = isOfAnybody;
  }

  protected keyOf(row: number): ContentRun {
    const { ns, execution } = this.#rows.run(row);
    return { ns: this.#isOfAnybody ? null : ns, digest: execution.digest as FileDigest };
  }

  protected hash({ ns, digest }: ContentRun): number {
    return hashWith(hashOfDigest(digest.value), ns ?? 0);
  }

  protected same(a: ContentRun, b: ContentRun): boolean {
    return a.ns === b.ns && sameDigest(a.digest, b.digest);
  }
}

function isSame(a: Execution, b: Execution): boolean {
  if (a === b) return true;
  return a.how === b.how && a.flags === b.flags && a.path === b.path && hasSameContent(a, b);
}

function hasSameContent({ digest: a }: Execution, { digest: b }: Execution): boolean {
  if (!namesContent(a) || !namesContent(b)) return namesContent(a) === namesContent(b);
  return sameDigest(a, b);
}
