// SPDX-License-Identifier: Apache-2.0

import { VerifierError } from "../error.ts";

/** A nonce a node may use once. */
export interface Challenge {
  /** 32 random bytes. */
  readonly nonce: Uint8Array;
  /** Milliseconds since the epoch after which the nonce is worth nothing. */
  readonly deadline: number;
}

export interface ChallengeBookOptions {
  readonly randomBytes: (size: number) => Uint8Array;
  readonly lifetimeSeconds: number;
  /** Nonces a node may hold at once; a further one displaces the oldest. */
  readonly outstandingPerNode: number;
}

const NONCE_SIZE = 32;

/**
 * The nonces given out and not yet used. In memory only: after a restart none is outstanding, which costs a node one
 * refused round. A node can displace its own nonces, never another's, and never holds more than a few.
 */
export class ChallengeBook {
  readonly #options: ChallengeBookOptions;
  readonly #outstanding = new Map<string, Map<string, number>>();

  constructor(options: ChallengeBookOptions) {
    this.#options = options;
  }

  /** Gives `node` a fresh nonce. `now` in milliseconds since the epoch. */
  issue(node: string, now: number): Challenge {
    const nonce = this.#options.randomBytes(NONCE_SIZE);
    const deadline = now + this.#options.lifetimeSeconds * 1000;
    const nonces = this.#outstanding.get(node) ?? new Map<string, number>();
    this.#outstanding.set(node, nonces);
    nonces.set(keyOf(nonce), deadline);
    for (const oldest of nonces.keys()) {
      if (nonces.size <= this.#options.outstandingPerNode) break;
      nonces.delete(oldest);
    }
    return { nonce, deadline };
  }

  /** Takes back every nonce that `node` holds. */
  forget(node: string): void {
    this.#outstanding.delete(node);
  }

  /**
   * Uses up a nonce of `node`, whatever becomes of the evidence that carries it.
   *
   * @throws VerifierError `CHALLENGE_UNKNOWN` when it was not given to this node, was used before, or is too old
   */
  redeem(node: string, nonce: Uint8Array, now: number): void {
    const nonces = this.#outstanding.get(node);
    const deadline = nonces?.get(keyOf(nonce));
    nonces?.delete(keyOf(nonce));
    if (nonces?.size === 0) this.#outstanding.delete(node);
    if (deadline === undefined || now > deadline) {
      throw new VerifierError("CHALLENGE_UNKNOWN", "no such nonce is outstanding for this node");
    }
  }
}

function keyOf(nonce: Uint8Array): string {
  return Buffer.from(nonce).toString("base64url");
}
