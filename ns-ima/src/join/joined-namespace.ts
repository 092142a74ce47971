// SPDX-License-Identifier: Apache-2.0

import { HOST, type NamespaceId, type NsOpenEvent } from "../log/event.ts";
import { chainItems } from "./chain.ts";
import type { JoinState } from "./join-state.ts";
import {
  type Execution,
  type GapState,
  gapState,
  type UnstableFinding,
} from "./namespace-facts.ts";

/** What the join says of one namespace. No policy was asked. */
export interface JoinedNamespace
  extends Pick<NsOpenEvent, "declared" | "privileged" | "labels" | "runtime"> {
  readonly id: NamespaceId;
  readonly state: "open" | "closed";
  /** A gap of the host is one of everybody who was open then. */
  readonly gap: GapState;
  readonly executions: readonly Execution[];
  /** Indices of the entries it answers for. */
  readonly entries: readonly number[];
  /** When there is any, the namespace is `DIGEST_UNSTABLE`. Always empty for the host. */
  readonly unstable: readonly UnstableFinding[];
}

const HOST_FACTS = { declared: true, privileged: [], labels: [], runtime: "" } as const;

/** All namespaces in the order of their opening, `host` first. */
export function joinedNamespaces(state: JoinState): readonly NamespaceId[] {
  return chainItems(state.ids);
}

/** Reads one namespace, at the cost of all it has executed; undefined for one that was never opened. */
export function joinedNamespace(state: JoinState, id: NamespaceId): JoinedNamespace | undefined {
  const facts = state.namespaces.get(id);
  if (!facts) return undefined;
  const { declared, privileged, labels, runtime } = facts.opened ?? HOST_FACTS;
  return {
    id,
    declared,
    privileged,
    labels,
    runtime,
    state: facts.closed ? "closed" : "open",
    gap: gapState(facts, state.hostGapAt),
    executions: chainItems(facts.executions),
    entries: chainItems(facts.entries).filter((index) => answers(state, id, index)),
    unstable: chainItems(facts.unstable),
  };
}

/** An entry may have become the host's after it was joined. */
function answers(state: JoinState, id: NamespaceId, index: number): boolean {
  const owner = state.owners.get(index);
  return typeof owner === "object" ? owner.ns === id : id === HOST;
}
