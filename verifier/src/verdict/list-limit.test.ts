// SPDX-License-Identifier: Apache-2.0

import { expect, it } from "vitest";
import { EMPTY_STATE } from "../pipeline.ts";
import { NOTHING_JUDGED } from "./judgement.ts";
import { withListLimit } from "./list-limit.ts";

const { list } = EMPTY_STATE.replayed;

it.each([
  ["SHA-1", { ...list, bank: "sha1" }],
  ["padded SHA-1", { ...list, bank: "sha384", form: "padded-sha1" }],
] as const)("says of a list that is proven by %s that this is all", (_, position) => {
  const judgement = withListLimit(NOTHING_JUDGED, position);
  expect(judgement.host.findings.limits).toEqual(["LIST_SHA1"]);
  expect(withListLimit(judgement, position)).toBe(judgement);
});

it("says nothing of any other", () => {
  expect(withListLimit(NOTHING_JUDGED, list)).toBe(NOTHING_JUDGED);
});
