// SPDX-License-Identifier: Apache-2.0

import { EMPTY_JOIN } from "@nsattest/ns-ima";
import { describe, expect, it } from "vitest";
import { policyDocuments } from "../../../test/fakes/verifier-bench.ts";
import { parsePolicySet } from "../policy/policy-set.ts";
import { judge } from "./judge.ts";
import { NOTHING_JUDGED } from "./judgement.ts";

// What is judged of what happened: ../pipeline.test.ts.
describe("judge", () => {
  it("takes a host without a log for one that was not seen", () => {
    const nothing = { state: EMPTY_JOIN, entries: [], executions: [], changed: new Set<string>() };
    const policies = parsePolicySet(policyDocuments());
    const { host, namespaces } = judge(NOTHING_JUDGED, nothing, policies);
    expect(host).toMatchObject({ judged: true, gap: "open", imaPolicyProven: false });
    expect(namespaces.size).toBe(0);
  });
});
