// SPDX-License-Identifier: Apache-2.0

import { encodeEvidence, ProtocolError } from "@nsattest/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { INIT, ON_HOST } from "../../test/fakes/fake-node.ts";
import { BUSYBOX, policyDocuments, TOOL } from "../../test/fakes/verifier-bench.ts";
import { VerifierWorld } from "../../test/fakes/verifier-world.ts";
import { VerifierError } from "./error.ts";
import { parsePolicySet } from "./policy/policy-set.ts";
import type { Receipt } from "./verifier.ts";

const POLICIES = parsePolicySet(policyDocuments());
/** Parts of a record (`security/integrity/ima/ima_fs.c`, ima_measurements_show), all of them `ima-sig`. */
const SHA1_COLUMN = { from: 4, to: 24 };
const TEMPLATE_DATA = 24 + 4 + "ima-sig".length + 4;
const STRIDE = 16;

/** A node with something of everything that evidence can hold. */
function busyWorld(): VerifierWorld {
  const world = new VerifierWorld(POLICIES);
  const { node } = world;
  const [first, second] = [node.open("first"), node.open("second")];
  node.run(first, BUSYBOX);
  node.run(first, TOOL);
  node.run(second, BUSYBOX);
  node.run("host", INIT, { flags: ON_HOST });
  node.claim(second, new Uint8Array(32));
  node.measure(BUSYBOX, { digest: null });
  node.mark();
  return world;
}

/**
 * Positions in the evidence that nothing vouches for: the SHA-1 column of each record of the list, and all that a violation
 * says, for the kernel extends ones for it instead. That it is one, by a column of zeros, decides what is extended.
 */
function freePositions(evidence: Uint8Array, records: readonly Uint8Array[]): Set<number> {
  const positions = new Set<number>();
  let start = Buffer.from(evidence).indexOf(Buffer.concat(records));
  expect(start).toBeGreaterThan(0);
  for (const record of records) {
    const { from, to } = SHA1_COLUMN;
    const isViolation = record.subarray(from, to).every((byte) => byte === 0);
    const free = isViolation ? { from: TEMPLATE_DATA, to: record.length } : SHA1_COLUMN;
    for (let at = free.from; at < free.to; at++) positions.add(start + at);
    start += record.length;
  }
  return positions;
}

/** @throws what is neither acceptance nor a refusal */
function outcomeOf(receive: () => Receipt): "accepted" | "refused" {
  try {
    return receive().accepted ? "accepted" : "refused";
  } catch (error) {
    if (error instanceof VerifierError || error instanceof ProtocolError) return "refused";
    throw error;
  }
}

describe("a bit of the evidence", () => {
  it("that something vouches for changes the outcome, whichever it is", async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(STRIDE - 1), fc.nat(7), async (first, bit) => {
        let world = busyWorld();
        let length = Number.POSITIVE_INFINITY;
        for (let at = first; at < length; at += STRIDE) {
          const { node, verifier } = world;
          const challenge = await verifier.challenge(node.id, { bootId: node.bootId });
          const evidence = encodeEvidence(node.evidence(challenge));
          length = evidence.length;
          const isFree = freePositions(evidence, node.list).has(at);
          evidence[at] = (evidence[at] as number) ^ (1 << ((bit + at / STRIDE) % 8));
          const outcome = outcomeOf(() => verifier.receive(node.id, evidence));
          if (!isFree) expect([at, outcome]).toEqual([at, "refused"]);
          if (outcome === "accepted") world = busyWorld();
        }
      }),
      { numRuns: 4 },
    );
  });
});
