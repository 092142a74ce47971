// SPDX-License-Identifier: Apache-2.0

import type { JoinedExecution } from "@nsattest/ns-ima";
import { describe, expect, it } from "vitest";
import { REASONS_MAX } from "./findings.ts";
import { judgeWaiting, NOTHING_WAITS, SIGNATURE_MARKS } from "./judge-waiting.ts";
import type { VerdictReason } from "./reason.ts";

const REASON: VerdictReason = { code: "SIGNATURE_INVALID", detail: "forged" };
const many = (count: number): JoinedExecution[] =>
  Array.from({ length: count }, () => ({ marks: 0 }) as JoinedExecution);

/** A policy that has something against everything, and how often it was asked. */
function severe(mayBeSigned = false) {
  const asked: JoinedExecution[] = [];
  const ask = (item: JoinedExecution) => {
    asked.push(item);
    return { reasons: [REASON], mayBeSigned };
  };
  return { asked, ask };
}

describe("what waits", () => {
  // Without it a container with a hundred thousand forged signatures costs the verifier minutes.
  it.each([
    [0, REASONS_MAX],
    [REASONS_MAX - 1, 1],
    [REASONS_MAX, 0],
  ])("is not asked about once nothing can be added: %i known, %i asked", (known, expected) => {
    const { asked, ask } = severe();
    const judged = judgeWaiting({
      waiting: many(3),
      news: many(REASONS_MAX),
      marks: 0,
      known: Array(known).fill(REASON),
      ask,
    });
    expect(asked).toHaveLength(expected);
    expect(judged).toEqual({ reasons: Array(expected).fill(REASON), waiting: NOTHING_WAITS });
  });

  it("waits for a signature, and is judged when none can come", () => {
    const { ask } = severe(true);
    const [news, known] = [many(2), []];
    const early = { waiting: news, news: NOTHING_WAITS, marks: SIGNATURE_MARKS - 1, known, ask };
    expect(judgeWaiting(early)).toEqual({ reasons: [], waiting: news });
    const late = judgeWaiting({ ...early, marks: SIGNATURE_MARKS });
    expect(late).toEqual({ reasons: [REASON, REASON], waiting: NOTHING_WAITS });
  });
});
