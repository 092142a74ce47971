// SPDX-License-Identifier: Apache-2.0

import {
  DEFAULT_LIST_PINS,
  EMPTY_JOIN,
  type JoinState,
  joinEvidence,
  joinedNamespaces,
  type ListPins,
} from "@nsattest/ns-ima";
import type { Evidence } from "@nsattest/protocol";
import type { BankSelection } from "@nsattest/tpm";
import { type ProvenBoot, proveBoot } from "./boot/proven-boot.ts";
import { bootReferenceOf, isRuntimeOf, listPinsOf, type PolicySet } from "./policy/policy-set.ts";
import { type Boot, checkBootEvent, isNewBoot } from "./quote/boot.ts";
import { checkQuote, quotedSelection } from "./quote/check-quote.ts";
import { nothingReplayed, type Replayed, replayEvidence } from "./replay/replay-evidence.ts";
import { isStalled, type Waiting, waitingAfter } from "./replay/waiting.ts";
import { withBoot } from "./verdict/boot-grounds.ts";
import { type Decided, decide, NOTHING_DECIDED, saysTheSame } from "./verdict/decide.ts";
import { judge } from "./verdict/judge.ts";
import { withListLimit } from "./verdict/list-limit.ts";
import { newsOf } from "./verdict/news.ts";

/** All that is known of one boot of a node. A value: evidence makes the next one, and refused evidence none. */
export interface NodeState {
  /** Null before the first evidence. */
  readonly boot: Boot | null;
  readonly replayed: Replayed;
  readonly join: JoinState;
  readonly waiting: Waiting;
  readonly decided: Decided;
  /** What was booted; null where nobody asked, or there is no log of it. */
  readonly provenBoot: ProvenBoot | null;
  /** What the last quote covered. */
  readonly quoted: BankSelection;
}

/** Nothing is known yet. */
export const EMPTY_STATE: NodeState = emptyState(DEFAULT_LIST_PINS);

function emptyState(pins: ListPins): NodeState {
  return {
    boot: null,
    replayed: nothingReplayed(pins),
    join: EMPTY_JOIN,
    waiting: [],
    decided: NOTHING_DECIDED,
    provenBoot: null,
    quoted: quotedSelection(pins, false),
  };
}

export interface AppraisalContext {
  /** Id of the node: which boot is expected of it. */
  readonly node: string;
  /** The pinned attestation key. */
  readonly akPublic: Uint8Array;
  readonly policies: PolicySet;
  /** When the evidence came: milliseconds since the epoch. */
  readonly now: number;
  readonly pendingSeconds: number;
}

export interface Appraisal {
  readonly state: NodeState;
  /** Everything before this evidence is of another boot, or was replayed with other pins: it is history. */
  readonly beginsAnew: boolean;
  readonly decisions: Decided;
  /**
   * Something follows from it that did not follow from what was known before. Evidence without news can be forgotten:
   * what is known without it is the same.
   */
  readonly hasNews: boolean;
}

/**
 * What `evidence` proves about a node, and what follows from it: the one way in which a verdict comes about, for
 * evidence from the network as for evidence that was stored.
 *
 * Does not check that the nonce was ours: whoever receives evidence redeems it first.
 *
 * @throws VerifierError, TpmError, NsImaError or ProtocolError when something is not proven: then nothing is
 */
export function appraise(
  past: NodeState,
  evidence: Evidence,
  { node, akPublic, policies, now, pendingSeconds }: AppraisalContext,
): Appraisal {
  const pins = listPinsOf(policies);
  const reference = bootReferenceOf(policies, node);
  const quoted = checkQuote(akPublic, evidence, pins, reference !== null);
  const boot = { bootId: evidence.bootId, clock: quoted.clock };
  const beginsAnew = isNewBoot(past.boot, boot) || past.replayed.list.pins.id !== pins.id;
  const before = beginsAnew ? emptyState(pins) : past;

  const { after: replayed, entries, events } = replayEvidence(before.replayed, evidence, quoted);
  checkBootEvent(replayed.log.boot, boot);
  const provenBoot =
    reference && proveBoot(before.provenBoot, evidence.bootLog, quoted.bootPcrs, pins.bank);
  const joined = joinEvidence(before.join, entries, events, isRuntimeOf(policies));
  const waiting = waitingAfter(before.waiting, joined.state, now);

  const { log } = replayed;
  const news = newsOf(joined, events, log.boot?.hostEntries ?? 0);
  const judged = judge(before.decided.judgement, news, policies);
  const judgement = withBoot(withListLimit(judged, replayed.list), provenBoot);
  const decisions = decide(before.decided, judgement, () => joinedNamespaces(joined.state), {
    policies,
    stalled: isStalled(waiting, now, pendingSeconds),
    reference,
  });
  return {
    state: {
      ...{ boot, replayed, join: joined.state, waiting, decided: decisions, provenBoot },
      quoted: quotedSelection(pins, reference !== null),
    },
    beginsAnew,
    decisions,
    hasNews:
      beginsAnew ||
      entries.length + events.length > 0 ||
      judgement !== before.decided.judgement ||
      !saysTheSame(decisions, before.decided),
  };
}
