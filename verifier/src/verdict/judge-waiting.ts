// SPDX-License-Identifier: Apache-2.0

import type { JoinedExecution } from "@nsattest/ns-ima";
import { REASONS_MAX } from "./findings.ts";
import type { FileAnswer } from "./policy-rule.ts";
import type { VerdictReason } from "./reason.ts";

/** What nobody has judged yet: there is no policy, or a signature may still come. One list for all where nothing waits. */
export const NOTHING_WAITS: readonly never[] = [];

/**
 * Marks after an execution behind which a signature would be known if there were one: the list entry that has it was
 * there when the first was made, and has come with the evidence of the second at the latest.
 */
export const SIGNATURE_MARKS = 2;

/** What became of executions that waited. */
export interface JudgedExecutions {
  readonly reasons: readonly VerdictReason[];
  /** Those that still wait: the list that was given when it is all of them. */
  readonly waiting: readonly JoinedExecution[];
}

/** What there is to judge, and by what. */
export interface WaitingExecutions {
  readonly waiting: readonly JoinedExecution[];
  readonly news: readonly JoinedExecution[];
  /** Number of marks in the log so far. */
  readonly marks: number;
  /** What was found before. */
  readonly known: readonly VerdictReason[];
  /** What the policy in force says; undefined when there is none, and everything waits. */
  readonly ask: ((item: JoinedExecution) => FileAnswer) | undefined;
}

/**
 * Judges what can be judged, each for good. What a policy has something against that a signature could undo waits until
 * one is known, or until {@link SIGNATURE_MARKS} marks have gone by. Where {@link REASONS_MAX} reasons are known nothing
 * more is asked: no answer could change anything, and a forged signature costs milliseconds.
 */
export function judgeWaiting({
  waiting,
  news,
  marks,
  known,
  ask,
}: WaitingExecutions): JudgedExecutions {
  const all = news.length === 0 ? waiting : [...waiting, ...news];
  if (ask === undefined || all.length === 0) return { reasons: [], waiting: all };
  const reasons: VerdictReason[] = [];
  const still: JoinedExecution[] = [];
  for (const item of all) {
    if (known.length + reasons.length >= REASONS_MAX) break;
    const answer = ask(item);
    if (answer.mayBeSigned && marks - item.marks < SIGNATURE_MARKS) still.push(item);
    else reasons.push(...answer.reasons);
  }
  if (still.length === waiting.length && news.length === 0) return { reasons, waiting };
  return { reasons, waiting: still.length === 0 ? NOTHING_WAITS : still };
}
