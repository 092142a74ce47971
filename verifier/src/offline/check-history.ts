// SPDX-License-Identifier: Apache-2.0

import { isDeepStrictEqual } from "node:util";
import { HOST, joinedNamespaces, NsImaError } from "@nsattest/ns-ima";
import {
  type BundleRound,
  decodeStoredStanding,
  ProtocolError,
  type Reason,
  type StoredStanding,
  type Tier,
} from "@nsattest/protocol";
import { TpmError } from "@nsattest/tpm";
import { VerifierError } from "../error.ts";
import { appraiseHistory } from "../history.ts";
import type { Appraisal } from "../pipeline.ts";
import type { PolicySet } from "../policy/policy-set.ts";
import { standingOf } from "../verdict/standing.ts";
import type { StoredHistory } from "./stored-history.ts";

/** A verdict of which something else was stored than the evidence leads to. */
export interface Difference {
  /** `host` or a namespace. */
  readonly namespace: string;
  /** Null where there was no verdict. Equal tiers differ in their reasons or limits. */
  readonly stored: Tier | null;
  readonly proven: Tier | null;
}

/** A round whose quote was signed by the key, and whose list and log lead to what was quoted. */
export interface CheckedRound {
  /** ISO 8601, by the clock of the verifier that stored it. */
  readonly received: string;
  /** Version of the policies it was judged by then. */
  readonly policy: string;
  readonly bootId: string;
  /** Entries of the host list and batches of the namespace log that are proven so far. */
  readonly entries: number;
  readonly batches: number;
  /** What the evidence leads to, up to this round. */
  readonly standing: StoredStanding;
  /** Means nothing where other policies judge than those of then. */
  readonly differences: readonly Difference[];
}

export interface HistoryCheck {
  readonly rounds: readonly CheckedRound[];
  /** Null, or why the round after the last of `rounds` proves nothing, nor any after it. */
  readonly refusal: Reason | null;
}

/**
 * Appraises a stored history from its first round with the verifier's own steps, each round by the policies that
 * `policiesOf` gives for it.
 *
 * Does not check whose key it is, whether a nonce was fresh, when a round was received, nor that no newer round is missing.
 */
export function checkHistory(
  { node, akPublic, pendingSeconds, rounds }: StoredHistory,
  policiesOf: (round: Pick<BundleRound, "policy">) => PolicySet,
): HistoryCheck {
  const checked: CheckedRound[] = [];
  try {
    const context = { node, akPublic, pendingSeconds, policiesOf };
    for (const { round, appraisal } of appraiseHistory(rounds, context)) {
      const last = checked.at(-1);
      if (last && appraisal.beginsAnew) {
        throw new VerifierError("ROUND_OTHER_BOOT", "the round is of another boot");
      }
      const { boot, replayed } = appraisal.state;
      const now = lastingStanding(appraisal);
      // Most rounds change nothing: a long history has one standing for all of them.
      const standing = last && isDeepStrictEqual(last.standing, now) ? last.standing : now;
      checked.push({
        received: new Date(round.received).toISOString(),
        policy: round.policy,
        bootId: boot?.bootId ?? "",
        entries: replayed.list.entries,
        batches: replayed.log.batches,
        standing,
        differences: differencesOf(round.standing, standing),
      });
    }
  } catch (error) {
    return { rounds: checked, refusal: refusalOf(error) };
  }
  if (checked.length > 0) return { rounds: checked, refusal: null };
  const empty = { code: "HISTORY_EMPTY", detail: "no evidence of this boot was stored" };
  return { rounds: checked, refusal: empty };
}

/** As it would have been stored. */
function lastingStanding({ decisions, state }: Appraisal): StoredStanding {
  const standing = standingOf(decisions, joinedNamespaces(state.join));
  return decodeStoredStanding(JSON.stringify(standing));
}

function differencesOf(stored: StoredStanding, proven: StoredStanding): readonly Difference[] {
  const ids = new Set([...Object.keys(stored.namespaces), ...Object.keys(proven.namespaces)]);
  const pairs = [
    [HOST, stored.host, proven.host] as const,
    ...[...ids].map((id) => [id, stored.namespaces[id], proven.namespaces[id]] as const),
  ];
  return pairs
    .filter(([, was, is]) => !isDeepStrictEqual(was, is))
    .map(([namespace, was, is]) => ({
      namespace,
      stored: was?.tier ?? null,
      proven: is?.tier ?? null,
    }));
}

/** What is wrong with the history; everything else is a fault of ours. */
function refusalOf(error: unknown): Reason {
  const isProof =
    error instanceof TpmError ||
    error instanceof NsImaError ||
    error instanceof ProtocolError ||
    error instanceof VerifierError;
  if (!isProof) throw error;
  return { code: error.code, detail: error.message };
}
