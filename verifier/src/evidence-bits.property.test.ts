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
/** Of a record: after the PCR's number (`security/integrity/ima/ima_fs.c`, ima_measurements_show). */
const SHA1_COLUMN = { from: 4, to: 24 };

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
 * Positions in the evidence that nothing vouches for: the SHA-1 columns of the list. But a column of zeros says that the
 * record is a violation, which decides what is extended.
 */
function freePositions(evidence: Uint8Array, records: readonly Uint8Array[]): Set<number> {
  const positions = new Set<number>();
  let start = Buffer.from(evidence).indexOf(Buffer.concat(records));
  expect(start).toBeGreaterThan(0);
  for (const record of records) {
    const { from, to } = SHA1_COLUMN;
    const isViolation = record.subarray(from, to).every((byte) => byte === 0);
    for (let at = from; at < to && !isViolation; at++) positions.add(start + at);
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
      fc.asyncProperty(
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        fc.nat(7),
        async (where, bit) => {
          const { node, verifier } = busyWorld();
          const challenge = await verifier.challenge(node.id, { bootId: node.bootId });
          const honest = encodeEvidence(node.evidence(challenge));
          const at = Math.floor(where * honest.length);
          const flipped = Uint8Array.from(honest);
          flipped[at] = (honest[at] as number) ^ (1 << bit);
          const outcome = outcomeOf(() => verifier.receive(node.id, flipped));
          expect(outcome).toBe(freePositions(honest, node.list).has(at) ? "accepted" : "refused");
        },
      ),
      { numRuns: 300 },
    );
  });
});
