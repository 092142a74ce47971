// SPDX-License-Identifier: Apache-2.0

import { encodeEvidence } from "@nsattest/protocol";
import { ChallengeBook, type PolicySet, type Receipt, Store, Verifier } from "@nsattest/verifier";
import { FakeNode } from "./fake-node.ts";

/** How long verdicts of this world hold, and how long entries may wait for a mark. */
export const WORLD_SECONDS = 60;

/** A booted node, a verifier without network on a database in memory, and a clock that only a test moves. */
export class VerifierWorld {
  readonly node: FakeNode = new FakeNode();
  readonly store: Store = Store.open(":memory:");
  /** What is logged, by its event. */
  readonly events: string[] = [];
  verifier: Verifier;
  #policies: PolicySet;
  #now = Date.parse("2026-01-02T03:04:05.000Z");
  #nonces = 0;

  constructor(policies: PolicySet) {
    this.#policies = policies;
    this.node.boot();
    this.verifier = this.#start();
  }

  /** Another verifier on the same database. */
  restart(policies: PolicySet = this.#policies): void {
    this.#policies = policies;
    this.verifier = this.#start();
  }

  advance(seconds: number): void {
    this.#now += seconds * 1000;
  }

  /** One round: challenge and evidence of the node as it is. */
  async attest(): Promise<Receipt> {
    const { node, verifier } = this;
    const challenge = await verifier.challenge(node.id, { bootId: node.bootId });
    return verifier.receive(node.id, encodeEvidence(node.evidence(challenge)));
  }

  #start(): Verifier {
    return new Verifier({
      store: this.store,
      registrar: { findNode: async () => ({ akPublic: this.node.registeredAk, ekChained: true }) },
      challenges: new ChallengeBook({
        randomBytes: (size) => new Uint8Array(size).fill(++this.#nonces),
        lifetimeSeconds: 60,
        outstandingPerNode: 4,
      }),
      policies: this.#policies,
      log: (event) => this.events.push(event),
      now: () => new Date(this.#now),
      intervalSeconds: 10,
      validSeconds: WORLD_SECONDS,
      pendingSeconds: WORLD_SECONDS,
    });
  }
}
