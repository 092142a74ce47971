// SPDX-License-Identifier: Apache-2.0

import { expect, it } from "vitest";
import { namespaceOf, reportOf, verdictOf } from "../../test/sample-report.ts";
import { outcomeOf } from "./outcome.ts";

const affirming = verdictOf("affirming");

it.each([
  ["everything is affirming", affirming, affirming, 0],
  ["a namespace is none", affirming, verdictOf("none"), 3],
  ["a namespace has a warning", affirming, verdictOf("warning"), 3],
  ["the host is none", verdictOf("none"), affirming, 3],
  ["a namespace is contraindicated", affirming, verdictOf("contraindicated"), 4],
  [
    "the host is contraindicated and a namespace none",
    verdictOf("contraindicated"),
    verdictOf("none"),
    4,
  ],
])("%s", (_, host, namespace, code) => {
  expect(outcomeOf([reportOf(host, [namespaceOf("a", namespace)])])).toBe(code);
});

it("takes no report for no proof", () => {
  expect(outcomeOf([])).toBe(3);
});
