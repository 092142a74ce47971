// SPDX-License-Identifier: Apache-2.0

import type { NamespaceId } from "@nsattest/ns-ima";
import type { Reason, Verdict } from "@nsattest/protocol";
import { type Decision, nothingKnown } from "./decision.ts";

/** The verdicts on a node as its last evidence left them. Whoever reads one applies `currentVerdict`. */
export interface Standing {
  /** The last evidence held a quote by the node's TPM. */
  readonly quoteVerified: boolean;
  readonly host: Verdict;
  readonly namespaces: Readonly<Record<NamespaceId, Verdict>>;
}

/** What was decided from evidence that was accepted. */
export interface Decisions {
  readonly host: Decision;
  readonly namespaces: ReadonlyMap<NamespaceId, Decision>;
}

/** The standing after accepted evidence. */
export function standingOf({ host, namespaces }: Decisions, validUntil: Date): Standing {
  return {
    quoteVerified: true,
    host: until(host, validUntil),
    namespaces: Object.fromEntries(
      [...namespaces].map(([id, decision]) => [id, until(decision, validUntil)]),
    ),
  };
}

/** The standing when nothing can be said: the same reason for the host and each of `namespaces`. */
export function standingWithout(
  reason: Reason,
  namespaces: Iterable<NamespaceId>,
  quoteVerified: boolean,
  validUntil: Date,
): Standing {
  const verdict = until(nothingKnown(reason), validUntil);
  return {
    quoteVerified,
    host: verdict,
    namespaces: Object.fromEntries([...namespaces].map((id) => [id, verdict])),
  };
}

function until(decision: Decision, validUntil: Date): Verdict {
  return { ...decision, validUntil: validUntil.toISOString() };
}

/** The standing of a node that has sent no evidence yet. */
export function neverAttested(now: Date): Standing {
  const reason = { code: "NEVER_ATTESTED", detail: "no evidence was accepted yet" };
  return standingWithout(reason, [], false, now);
}
