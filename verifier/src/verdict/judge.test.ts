// SPDX-License-Identifier: Apache-2.0

import { EMPTY_JOIN } from "@nsattest/ns-ima";
import { describe, expect, it } from "vitest";
import { policyDocuments } from "../../../test/fakes/verifier-bench.ts";
import { parsePolicySet } from "../policy/policy-set.ts";
import { judge } from "./judge.ts";
import { NOTHING_JUDGED } from "./judgement.ts";
import { newsOf } from "./news.ts";

const policies = parsePolicySet(policyDocuments());
const nothing = newsOf(
  { state: EMPTY_JOIN, entries: [], executions: [], changed: new Set() },
  [],
  0,
);

// What is judged of what happened: ../pipeline.test.ts.
describe("judge", () => {
  it("takes a host without a log for one that was not seen", () => {
    const { host, policy } = judge(NOTHING_JUDGED, nothing, policies);
    expect(host).toMatchObject({ gap: "open", imaPolicyProven: false });
    expect(policy).toBe(policies.version);
  });

  it("takes a namespace that was never opened for one that was not seen", () => {
    const changed = new Set(["ghost/1"]);
    const news = newsOf({ state: EMPTY_JOIN, entries: [], executions: [], changed }, [], 0);
    const { namespaces } = judge({ ...NOTHING_JUDGED, policy: policies.version }, news, policies);
    expect(namespaces.get("ghost/1")).toMatchObject({ image: null, gap: "open", executed: false });
  });

  it("gives back what it was given when there is nothing new", () => {
    const judgement = judge(NOTHING_JUDGED, nothing, policies);
    expect(judge(judgement, nothing, policies)).toBe(judgement);
    expect(judge(judgement, nothing, { ...policies, version: "other" })).not.toBe(judgement);
  });
});
