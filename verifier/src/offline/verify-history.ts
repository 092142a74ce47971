// SPDX-License-Identifier: Apache-2.0

import { hash } from "node:crypto";
import type { Reason, StoredStanding } from "@nsattest/protocol";
import { VerifierError } from "../error.ts";
import { type PolicySet, restorePolicySet } from "../policy/policy-set.ts";
import { type CheckedRound, checkHistory } from "./check-history.ts";
import type { StoredHistory } from "./stored-history.ts";

/** What an offline check does not cover. */
export type HistoryLimitCode =
  /** The attestation key is the bundle's own: whoever made the bundle may have made the key. */
  | "AK_UNPINNED"
  /** The policies are the bundle's own: whoever made it may have written them. */
  | "POLICY_UNPINNED"
  /** Nonces and times of receipt cannot be checked afterwards, and newer rounds may be missing. */
  | "FRESHNESS_UNPROVEN";

/** What whoever checks brings along. */
export interface HistoryPins {
  /** Digests of the attestation keys, one of which has to be the node's, as {@link akDigest} makes them. */
  readonly aks?: readonly string[] | undefined;
  /** Versions of the policies that a bundle may have been judged by. */
  readonly policyVersions?: readonly string[] | undefined;
  /** Policies to judge the whole history by, instead of those it was judged by. */
  readonly policies?: PolicySet | undefined;
}

export interface HistoryReport {
  readonly node: string;
  readonly ak: { readonly digest: string; readonly pinned: boolean };
  /** Each as it was judged when it came. */
  readonly rounds: readonly CheckedRound[];
  /** `STANDING_DIFFERS` for each verdict of which something else was stored. */
  readonly contradictions: readonly Reason[];
  /** Why the next round proves nothing; then nothing is concluded from the ones before. */
  readonly refusal: Reason | null;
  /** What can be said after the last round, and by which policies. Null after a refusal. */
  readonly outcome: { readonly policy: string; readonly standing: StoredStanding } | null;
  readonly limits: readonly HistoryLimitCode[];
}

/** `sha256:` and the digest of a TPMT_PUBLIC: the TPM's name of the key, without the two bytes that say SHA-256. */
export function akDigest(akPublic: Uint8Array): string {
  return `sha256:${hash("sha256", akPublic)}`;
}

/**
 * Checks a stored history: that the pinned key signed every round, that each leads to the verdicts that were stored
 * with it, and what can be said after the last one.
 *
 * The id of the node is a name: what is proven is about the key. {@link HistoryLimitCode} says what else is not checked.
 */
export function verifyHistory(history: StoredHistory, pins: HistoryPins): HistoryReport {
  const { node, origin } = history;
  const digest = akDigest(history.akPublic);
  const trusted = origin === "database";
  const ak = { digest, pinned: trusted || pins.aks !== undefined };
  if (pins.aks?.includes(digest) === false) {
    const detail = `the history is of the key ${digest}, not of ${pins.aks.join(" or ")}`;
    const refusal = { code: "AK_MISMATCH", detail };
    return { node, ak, rounds: [], contradictions: [], refusal, outcome: null, limits: [] };
  }

  const recorded = checkHistory(history, recordedPolicies(history));
  const { policies } = pins;
  const judged = policies && !recorded.refusal ? checkHistory(history, () => policies) : recorded;
  const refusal = recorded.refusal ?? judged.refusal;
  const last = judged.rounds.at(-1);
  const isPinned = (version: string): boolean => pins.policyVersions?.includes(version) === true;
  const policyPinned =
    trusted || policies !== undefined || recorded.rounds.every(({ policy }) => isPinned(policy));
  return {
    node,
    ak,
    rounds: recorded.rounds,
    contradictions: recorded.rounds.flatMap(contradictionsOf),
    refusal,
    outcome:
      refusal || !last
        ? null
        : { policy: policies?.version ?? last.policy, standing: last.standing },
    limits: [
      ...(ak.pinned ? [] : (["AK_UNPINNED"] as const)),
      ...(policyPinned ? [] : (["POLICY_UNPINNED"] as const)),
      "FRESHNESS_UNPROVEN",
    ],
  };
}

function contradictionsOf({ differences }: CheckedRound, index: number): readonly Reason[] {
  return differences.map(({ namespace, stored, proven }) => {
    const others = stored === proven ? ", for other reasons" : "";
    const detail = `round ${index + 1}, ${namespace}: stored is ${stored ?? "nothing"}, proven is ${proven ?? "nothing"}${others}`;
    return { code: "STANDING_DIFFERS", detail };
  });
}

/** The policies of then, read once each, when their documents are what their version says. */
function recordedPolicies({
  documentsOf,
}: StoredHistory): (round: { readonly policy: string }) => PolicySet {
  const sets = new Map<string, PolicySet>();
  return ({ policy: version }) => {
    const set = sets.get(version) ?? restoreVersion(version, documentsOf(version));
    sets.set(version, set);
    return set;
  };
}

function restoreVersion(version: string, documents: string | null): PolicySet {
  if (documents === null || hash("sha256", documents) !== version || !isTexts(documents)) {
    throw new VerifierError("POLICY_ALTERED", `the policies are not those of version ${version}`);
  }
  return restorePolicySet(documents);
}

/** True for a JSON object of texts: a digest is quickly made of anything. */
function isTexts(documents: string): boolean {
  try {
    const value: unknown = JSON.parse(documents);
    if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
    return Object.values(value).every((text) => typeof text === "string");
  } catch {
    return false;
  }
}
