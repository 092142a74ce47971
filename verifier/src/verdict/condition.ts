// SPDX-License-Identifier: Apache-2.0

import type { NamespaceId } from "@nsattest/ns-ima";
import { currentVerdict, type NodeCondition, type Reason, type Verdict } from "@nsattest/protocol";
import type { Decision } from "./decision.ts";
import type { Standing } from "./standing.ts";

/** What there is to say of a node besides its standing. Times in milliseconds since the epoch. */
export interface NodeTimes {
  /** Until when the standing holds. */
  readonly validUntil: number;
  /** When the node last asked for a challenge or sent evidence. */
  readonly lastContact: number;
  /** Another boot than the known one, in which the node says it is; null when it has proven its boot since. */
  readonly claimedBoot: string | null;
}

/** Validities without a contact after which a node is `unreachable` and no longer merely `stale`. */
export const UNREACHABLE_VALIDITIES = 2;

/** A standing as it has to be read at some time. */
export interface Reading extends Pick<Standing, "accepted" | "quoteVerified" | "policy"> {
  readonly condition: NodeCondition;
  /** Milliseconds since the epoch. */
  readonly lastContact: number;
  readonly host: Verdict;
  readonly namespaces: Readonly<Record<NamespaceId, Verdict>>;
}

/** `standing` as it has to be read at `now`. */
export function readStanding(
  standing: Standing,
  times: NodeTimes,
  now: Date,
  validSeconds: number,
): Reading {
  const { accepted, quoteVerified, policy, host, namespaces } = standing;
  const condition = conditionOf(standing, times, now, validSeconds);
  const read = (decision: Decision): Verdict => readDecision(decision, condition, times, now);
  return {
    accepted,
    quoteVerified,
    policy,
    condition,
    lastContact: times.lastContact,
    host: read(host),
    namespaces: Object.fromEntries(
      Object.entries(namespaces).map(([id, decision]) => [id, read(decision)]),
    ),
  };
}

/**
 * How a node stands at `now`, by nothing but what is stored: no timer leads from one state to the next, and no restart
 * of the verifier.
 */
export function conditionOf(
  { accepted }: Pick<Standing, "accepted">,
  { validUntil, lastContact, claimedBoot }: NodeTimes,
  now: Date,
  validSeconds: number,
): NodeCondition {
  const at = now.getTime();
  if (accepted === null) return "never-attested";
  if (at - lastContact > UNREACHABLE_VALIDITIES * validSeconds * 1000) return "unreachable";
  if (accepted && claimedBoot !== null) return "rebooted";
  // Not `at > validUntil`: that would be false for a time that is none.
  if (!(at <= validUntil)) return "stale";
  return accepted ? "attested" : "refused";
}

/**
 * A decision as it has to be read at `now`. What a condition does to it takes trust away and never gives any: a node
 * that only says that it was rebooted stays `contraindicated` for as long as that holds, and is `none` in every other
 * case.
 */
function readDecision(
  decision: Decision,
  condition: NodeCondition,
  { validUntil, lastContact, claimedBoot }: NodeTimes,
  now: Date,
): Verdict {
  const verdict: Verdict = { ...decision, validUntil: new Date(validUntil).toISOString() };
  const current = currentVerdict(verdict, now);
  switch (condition) {
    case "never-attested":
      return verdict;
    case "unreachable":
      return withoutTrust(verdict, {
        code: "NODE_UNREACHABLE",
        detail: `nothing was heard of the node since ${new Date(lastContact).toISOString()}; ${past(verdict)}`,
      });
    case "rebooted": {
      const reason: Reason = {
        code: "NODE_REBOOTED",
        detail: `the node says that it is in boot ${claimedBoot}, and has proven nothing of it yet; ${past(verdict)}`,
      };
      const isKnownBad = current === verdict && verdict.tier === "contraindicated";
      return isKnownBad
        ? { ...verdict, reasons: [...verdict.reasons, reason] }
        : withoutTrust(verdict, reason);
    }
    default:
      return current;
  }
}

function withoutTrust(verdict: Verdict, reason: Reason): Verdict {
  return { ...verdict, tier: "none", reasons: [reason] };
}

function past({ tier, validUntil }: Verdict): string {
  return `was ${tier}, valid until ${validUntil}`;
}
