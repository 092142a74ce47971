// SPDX-License-Identifier: Apache-2.0

import { LayeredMap, type NamespaceId } from "@nsattest/ns-ima";
import type { BootReference } from "../boot/boot-reference.ts";
import type { PolicySet } from "../policy/policy-set.ts";
import { decideHost } from "./decide-host.ts";
import { decideNamespace } from "./decide-namespace.ts";
import { type Decision, type Decisions, nothingKnown } from "./decision.ts";
import { type Judgement, NOTHING_JUDGED } from "./judgement.ts";

/** Decisions, and everything that they were made from. */
export interface Decided extends Decisions {
  readonly judgement: Judgement;
  /** Version of the policies; null before anything was decided. */
  readonly policy: string | null;
  readonly stalled: boolean;
}

export const NOTHING_DECIDED: Decided = {
  judgement: NOTHING_JUDGED,
  policy: null,
  stalled: false,
  host: nothingKnown({ code: "NEVER_ATTESTED", detail: "" }),
  namespaces: new LayeredMap<NamespaceId, Decision>(),
};

export interface DecisionContext {
  readonly policies: PolicySet;
  /** See `LOG_STALLED`. */
  readonly stalled: boolean;
  /** What the node is to have booted. */
  readonly reference: BootReference | null;
}

/**
 * What can be said of the host and of each of its namespaces `ids`. What is said as before is the same object as in
 * `past`, and `past` itself when nothing else is said at all.
 */
export function decide(
  past: Decided,
  judgement: Judgement,
  ids: () => Iterable<NamespaceId>,
  { policies, stalled, reference }: DecisionContext,
): Decided {
  const isSamePolicy = past.policy === policies.version;
  const isSame = isSamePolicy && past.stalled === stalled;
  if (isSame && past.judgement === judgement) return past;
  const host =
    isSame && past.judgement.host === judgement.host
      ? past.host
      : reused(past.host, decideHost(judgement.host, policies.host, stalled, reference));
  const draft = past.namespaces.draft();
  for (const id of ids()) {
    const namespace = judgement.namespaces.get(id);
    const isKnown =
      isSamePolicy && host === past.host && namespace === past.judgement.namespaces.get(id);
    if (namespace === undefined || isKnown) continue;
    const known = past.namespaces.get(id);
    const decision = reused(known, decideNamespace(namespace, host, policies.images));
    if (decision !== known) draft.set(id, decision);
  }
  return { judgement, policy: policies.version, stalled, host, namespaces: draft.seal() };
}

/** True when two say the same to whoever reads them. */
export function saysTheSame(one: Decided, other: Decided): boolean {
  return (
    one.host === other.host && one.namespaces === other.namespaces && one.policy === other.policy
  );
}

function reused(past: Decision | undefined, decision: Decision): Decision {
  return JSON.stringify(past) === JSON.stringify(decision) && past !== undefined ? past : decision;
}
