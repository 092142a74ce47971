// SPDX-License-Identifier: Apache-2.0

import { type PolicySet, restorePolicySet } from "./policy-set.ts";

/** Old versions that are kept: after a restart the histories of all nodes are read, and nodes change versions together. */
export const VERSIONS_MAX = 8;

/**
 * The policies of each version by which evidence was ever judged. One that is large takes a second to read, so it is not
 * read for every node; what versions have in common they share.
 */
export class PolicyVersions {
  readonly #inForce: PolicySet;
  readonly #documentsOf: (version: string) => string | null;
  readonly #limit: number;
  // In the order of use, the least recent first.
  readonly #old = new Map<string, PolicySet>();

  constructor(
    inForce: PolicySet,
    documentsOf: (version: string) => string | null,
    limit: number = VERSIONS_MAX,
  ) {
    this.#inForce = inForce;
    this.#documentsOf = documentsOf;
    this.#limit = limit;
  }

  /** @throws Error when the version was never stored, or cannot be read any more */
  of(version: string): PolicySet {
    if (version === this.#inForce.version) return this.#inForce;
    const set = this.#old.get(version) ?? this.#restore(version);
    this.#old.delete(version);
    this.#old.set(version, set);
    if (this.#old.size > this.#limit) {
      const [oldest = ""] = this.#old.keys();
      this.#old.delete(oldest);
    }
    return set;
  }

  #restore(version: string): PolicySet {
    const documents = this.#documentsOf(version);
    if (documents === null) throw new Error(`no policies of version ${version} are stored`);
    return restorePolicySet(documents, [this.#inForce, ...this.#old.values()]);
  }
}
