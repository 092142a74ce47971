// SPDX-License-Identifier: Apache-2.0

import type { NamespaceId } from "../log/event.ts";
import { chainItems } from "./chain.ts";
import type { JoinState } from "./join-state.ts";
import { entryAt } from "./joined-entry.ts";
import {
  type Execution,
  type GapState,
  gapState,
  type OpenedNamespace,
  type UnstableFinding,
} from "./namespace-facts.ts";

/** What the join says of one namespace. No policy was asked. */
export interface JoinedNamespace extends Omit<OpenedNamespace, "number" | "openedAt"> {
  readonly state: "open" | "closed";
  /** A gap of the host is one of everybody who was open then. */
  readonly gap: GapState;
  /** Listed when it is read, at the cost of all it has executed. */
  readonly executions: readonly Execution[];
  /** Indices of the entries it answers for. Looked up when it is read, at the cost of the whole list. */
  readonly entries: readonly number[];
  /** When there is any, the namespace is contraindicated. Always empty for the host. */
  readonly unstable: readonly UnstableFinding[];
}

/** All namespaces in the order of their opening, `host` first. */
export function joinedNamespaces(state: JoinState): readonly NamespaceId[] {
  return state.books.namespaces.slice(0, state.namespaces);
}

/** Reads one namespace; undefined for one that was never opened. */
export function joinedNamespace(state: JoinState, id: NamespaceId): JoinedNamespace | undefined {
  const facts = state.facts.get(id);
  if (!facts) return undefined;
  const { declared, privileged, labels, runtime } = facts.opened;
  return {
    id,
    declared,
    privileged,
    labels,
    runtime,
    state: facts.closed ? "closed" : "open",
    gap: gapState(facts, state.hostGapAt),
    get executions() {
      return state.books.runs.executions(facts.lastRun);
    },
    get entries() {
      return entriesOf(state, id);
    },
    unstable: chainItems(facts.unstable),
  };
}

function entriesOf(state: JoinState, id: NamespaceId): readonly number[] {
  const indices: number[] = [];
  for (let index = 0; index < state.mark; index++) {
    const { owner } = entryAt(state, index);
    if ((typeof owner === "object" ? owner.ns : owner) === id) indices.push(index);
  }
  return indices;
}
