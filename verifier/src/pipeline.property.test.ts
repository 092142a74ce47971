// SPDX-License-Identifier: Apache-2.0

import { HOST, NsImaError } from "@nsattest/ns-ima";
import { decodeEvidence, encodeEvidence, ProtocolError } from "@nsattest/protocol";
import { TpmError } from "@nsattest/tpm";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FakeNode, INIT } from "../../test/fakes/fake-node.ts";
import { BUSYBOX, policyDocuments } from "../../test/fakes/verifier-bench.ts";
import { VerifierError } from "./error.ts";
import { type Appraisal, appraise, EMPTY_STATE } from "./pipeline.ts";
import { parsePolicySet } from "./policy/policy-set.ts";

const policies = parsePolicySet(policyDocuments());
const node = new FakeNode();
node.boot();
const web = node.open("web");
node.run(web, BUSYBOX);
node.run(web, { path: "/bin/bad", content: "bad" });
node.run(HOST, INIT);
node.mark();
const body = encodeEvidence(
  node.evidence({
    nonce: new Uint8Array(32).fill(7),
    listOffset: 0,
    logOffset: 0,
    bank: "sha256",
    pcrs: [10, 13],
    bootLog: false,
    deadline: "",
  }),
);

/** The appraisal of a body, or null when it is refused with a code. */
function appraiseBody(bytes: Uint8Array): Appraisal | null {
  try {
    return appraise(EMPTY_STATE, decodeEvidence(bytes), {
      node: node.id,
      akPublic: node.registeredAk,
      policies,
      now: 0,
      pendingSeconds: 60,
    });
  } catch (error) {
    const coded = [VerifierError, TpmError, NsImaError, ProtocolError];
    if (coded.some((kind) => error instanceof kind)) return null;
    throw error;
  }
}

const good = appraiseBody(body);

describe("evidence that somebody changed", () => {
  it("is appraised as the whole when it is whole", () => {
    expect(good?.decisions.host.tier).toBe("affirming");
    expect(good?.decisions.namespaces.get(web)?.tier).toBe("contraindicated");
  });

  it("is refused with a code, or says the same", () => {
    const edit = fc.record({
      at: fc.nat(body.length - 1),
      remove: fc.nat(40),
      insert: fc.uint8Array({ maxLength: 40 }),
    });
    fc.assert(
      fc.property(edit, ({ at, remove, insert }) => {
        const changed = Buffer.concat([body.subarray(0, at), insert, body.subarray(at + remove)]);
        const appraisal = appraiseBody(changed);
        if (appraisal) expect(appraisal.decisions).toEqual(good?.decisions);
      }),
      { numRuns: 2000 },
    );
  });

  it("is refused with a code, or says the same, for every single bit that can be flipped", () => {
    for (let at = 0; at < body.length; at++) {
      const changed = new Uint8Array(body);
      changed[at] = (changed[at] ?? 0) ^ (1 << (at % 8));
      const appraisal = appraiseBody(changed);
      if (appraisal) expect(appraisal.decisions).toEqual(good?.decisions);
    }
  });
});
