// SPDX-License-Identifier: Apache-2.0

import { appraiseHistory } from "./history.ts";
import type { Log } from "./log.ts";
import { EMPTY_STATE, type NodeState } from "./pipeline.ts";
import type { PolicySet } from "./policy/policy-set.ts";
import { PolicyVersions } from "./policy/policy-versions.ts";
import type { NodeRecord, Store } from "./store/store.ts";

export interface NodeStatesOptions {
  readonly store: Store;
  /** In force now. */
  readonly policies: PolicySet;
  readonly pendingSeconds: number;
  readonly log: Log;
}

/**
 * What is known of each node, in memory. After a restart it is empty, and filled for a node when somebody asks: the
 * stored evidence is appraised again, at the time it came and by the policies it was judged by, so that nothing can be
 * known after a restart that was not proven before.
 */
export class NodeStates {
  readonly #options: NodeStatesOptions;
  readonly #states = new Map<string, NodeState>();
  readonly #versions: PolicyVersions;

  constructor(options: NodeStatesOptions) {
    this.#options = options;
    const { policies, store } = options;
    this.#versions = new PolicyVersions(policies, (version) => store.findPolicy(version));
  }

  /** A history that does not replay is given up: the node sends everything again and begins a new one. */
  of(node: NodeRecord): NodeState {
    const known = this.#states.get(node.id);
    if (known) return known;
    let state = EMPTY_STATE;
    try {
      state = this.#restore(node);
    } catch (error) {
      this.#options.log("history-unusable", { node: node.id, error: String(error) });
    }
    this.#states.set(node.id, state);
    return state;
  }

  set(node: string, state: NodeState): void {
    this.#states.set(node, state);
  }

  forget(node: string): void {
    this.#states.delete(node);
  }

  #restore({ id, akPublic }: NodeRecord): NodeState {
    const { store, pendingSeconds } = this.#options;
    let state = EMPTY_STATE;
    const policiesOf = ({ policy }: { readonly policy: string }) => this.#versions.of(policy);
    const context = { node: id, akPublic, policiesOf, pendingSeconds };
    for (const { appraisal } of appraiseHistory(store.rounds(id), context)) state = appraisal.state;
    return state;
  }
}
