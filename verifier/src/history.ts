// SPDX-License-Identifier: Apache-2.0

import { decodeEvidence } from "@nsattest/protocol";
import { type Appraisal, appraise, EMPTY_STATE } from "./pipeline.ts";
import type { PolicySet } from "./policy/policy-set.ts";
import type { StoredRound } from "./store/store.ts";

export interface HistoryContext {
  /** Whose history it is. */
  readonly node: string;
  /** The attestation key that the whole history has to be signed by. */
  readonly akPublic: Uint8Array;
  /** The policies that a round is to be judged by. Asked again for each round. */
  readonly policiesOf: (round: StoredRound) => PolicySet;
  readonly pendingSeconds: number;
}

/**
 * Appraises the stored rounds of one boot again, each at the time it came: what was known after a round is known again
 * when its appraisal is given. Nothing is taken from what was stored but the evidence itself.
 *
 * Does not check that a nonce was ours: that was done, if at all, when the evidence came.
 *
 * @throws as `appraise` and `decodeEvidence`, at the first round that does not prove what it says; and as `policiesOf`
 */
export function* appraiseHistory<R extends StoredRound>(
  rounds: Iterable<R>,
  { node, akPublic, policiesOf, pendingSeconds }: HistoryContext,
): Generator<{ readonly round: R; readonly appraisal: Appraisal }> {
  let state = EMPTY_STATE;
  for (const round of rounds) {
    const policies = policiesOf(round);
    const context = { node, akPublic, policies, now: round.received, pendingSeconds };
    const appraisal = appraise(state, decodeEvidence(round.evidence), context);
    state = appraisal.state;
    yield { round, appraisal };
  }
}
