// SPDX-License-Identifier: Apache-2.0

import type { FileDigest } from "../log/event.ts";
import { namesContent } from "./content.ts";
import type { Execution } from "./namespace-facts.ts";
import { NumberRows } from "./number-rows.ts";
import { ReferenceRows } from "./reference-rows.ts";
import { ContentIndex, type Run, RunIndex, type RunRows } from "./run-index.ts";

/** Number of the host among the namespaces. */
const HOST_NUMBER = 0;

const RUNNER = 0;
/** The run before of the same namespace, + 1. */
const BEFORE = 1;
const WIDTH = 2;

/** All executions of all namespaces, each once: references to executions that many nodes may share. It only grows. */
export class RunBook implements RunRows {
  readonly #executions = new ReferenceRows<Execution>();
  readonly #rows = new NumberRows(WIDTH);
  readonly #exact = new RunIndex(this);
  /** The first run of each content by each namespace. */
  readonly #contents = new ContentIndex(this, false);
  /** The first run of each content by a container. */
  readonly #first = new ContentIndex(this, true);

  get length(): number {
    return this.#rows.length;
  }

  /**
   * Adds an execution of the namespace with the number `ns`, unless it is there.
   *
   * @param last number of the namespace's last run + 1, or 0
   * @returns the same after it
   */
  add(ns: number, execution: Execution, last: number): number {
    const row = this.length;
    const run = { ns, execution };
    if (this.#exact.find(run) !== undefined) return last;
    this.#executions.add(execution);
    this.#rows.add();
    this.#rows.set(row, RUNNER, ns);
    this.#rows.set(row, BEFORE, last);
    this.#exact.put(run, row);
    const { digest } = execution;
    if (namesContent(digest)) {
      this.#contents.put({ ns, digest }, row);
      if (ns !== HOST_NUMBER) this.#first.put({ ns: null, digest }, row);
    }
    return row + 1;
  }

  run(row: number): Run {
    return { ns: this.#rows.get(row, RUNNER), execution: this.#executions.get(row) };
  }

  /** What a namespace executed, the first one first. `last` as {@link add} returned it. */
  executions(last: number): readonly Execution[] {
    const executions: Execution[] = [];
    for (let next = last; next !== 0; next = this.#rows.get(next - 1, BEFORE)) {
      executions.push(this.#executions.get(next - 1));
    }
    return executions.reverse();
  }

  /** True when the namespace with the number `ns` executed the content. */
  hasRun(ns: number, digest: FileDigest): boolean {
    return this.#contents.find({ ns, digest }) !== undefined;
  }

  /** Number of the first container that executed the content. */
  firstRunner(digest: FileDigest): number | undefined {
    const row = this.#first.find({ ns: null, digest });
    return row === undefined ? undefined : this.#rows.get(row, RUNNER);
  }

  /** A book of its own with the first `length` executions. */
  copy(length: number): RunBook {
    const copy = new RunBook();
    for (let row = 0; row < length; row++) {
      copy.add(this.#rows.get(row, RUNNER), this.#executions.get(row), this.#rows.get(row, BEFORE));
    }
    return copy;
  }
}
