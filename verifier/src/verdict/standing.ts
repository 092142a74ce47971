// SPDX-License-Identifier: Apache-2.0

import type { NamespaceId } from "@nsattest/ns-ima";
import type { Reason } from "@nsattest/protocol";
import type { Decided } from "./decide.ts";
import { type Decision, nothingKnown } from "./decision.ts";

/**
 * What is known of a node as its last evidence left it, without anything that depends on the time it is read at: see
 * `readStanding`.
 */
export interface Standing {
  /** Whether the last evidence was accepted; `null` when there was none yet. */
  readonly accepted: boolean | null;
  /** The last evidence held a quote by the node's TPM. */
  readonly quoteVerified: boolean;
  /** Version of the policies that decided; null when there was no evidence yet. */
  readonly policy: string | null;
  readonly host: Decision;
  readonly namespaces: Readonly<Record<NamespaceId, Decision>>;
}

/** The standing after accepted evidence. `ids`: its namespaces, in the order in which they are to be shown. */
export function standingOf(
  { host, namespaces, policy }: Decided,
  ids: Iterable<NamespaceId>,
): Standing {
  const decisions = [...ids].flatMap((id) => {
    const decision = namespaces.get(id);
    return decision ? [[id, decision] as const] : [];
  });
  return {
    accepted: true,
    quoteVerified: true,
    policy,
    host,
    namespaces: Object.fromEntries(decisions),
  };
}

/** The standing after evidence that proved nothing: the same reason for the host and each of `namespaces`. */
export function standingRefused(
  reason: Reason,
  namespaces: Iterable<NamespaceId>,
  quoteVerified: boolean,
  policy: string,
): Standing {
  const decision = nothingKnown(reason);
  return {
    accepted: false,
    quoteVerified,
    policy,
    host: decision,
    namespaces: Object.fromEntries([...namespaces].map((id) => [id, decision])),
  };
}

/** The standing of a node that has sent no evidence yet. */
export const NEVER_ATTESTED: Standing = {
  accepted: null,
  quoteVerified: false,
  policy: null,
  host: nothingKnown({ code: "NEVER_ATTESTED", detail: "no evidence was accepted yet" }),
  namespaces: {},
};
