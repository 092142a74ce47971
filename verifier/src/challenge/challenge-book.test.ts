// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from "vitest";
import { VerifierError } from "../error.ts";
import { ChallengeBook } from "./challenge-book.ts";

const NOW = 1_700_000_000_000;

function newBook(): ChallengeBook {
  let counter = 0;
  return new ChallengeBook({
    randomBytes: (size) => new Uint8Array(size).fill(++counter),
    lifetimeSeconds: 60,
    outstandingPerNode: 2,
  });
}

function refusal(action: () => void): string | undefined {
  try {
    action();
    return undefined;
  } catch (error) {
    return error instanceof VerifierError ? error.code : String(error);
  }
}

describe("ChallengeBook", () => {
  it("lets a nonce be used once", () => {
    const book = newBook();
    const { nonce, deadline } = book.issue("a", NOW);
    expect(nonce).toHaveLength(32);
    expect(deadline).toBe(NOW + 60_000);
    expect(refusal(() => book.redeem("a", nonce, NOW))).toBeUndefined();
    expect(refusal(() => book.redeem("a", nonce, NOW))).toBe("CHALLENGE_UNKNOWN");
  });

  it("refuses a nonce of another node, and leaves it to its owner", () => {
    const book = newBook();
    const { nonce } = book.issue("a", NOW);
    expect(refusal(() => book.redeem("b", nonce, NOW))).toBe("CHALLENGE_UNKNOWN");
    expect(refusal(() => book.redeem("a", nonce, NOW))).toBeUndefined();
  });

  it("refuses a nonce after its deadline, and only then", () => {
    const book = newBook();
    const onTime = book.issue("a", NOW);
    const late = book.issue("a", NOW);
    expect(refusal(() => book.redeem("a", onTime.nonce, NOW + 60_000))).toBeUndefined();
    expect(refusal(() => book.redeem("a", late.nonce, NOW + 60_001))).toBe("CHALLENGE_UNKNOWN");
  });

  it("forgets the oldest nonce of a node that asks for too many", () => {
    const book = newBook();
    const [first, second, third] = [1, 2, 3].map(() => book.issue("a", NOW).nonce);
    if (!first || !second || !third) throw new Error("three nonces were issued");
    expect(refusal(() => book.redeem("a", first, NOW))).toBe("CHALLENGE_UNKNOWN");
    expect(refusal(() => book.redeem("a", second, NOW))).toBeUndefined();
    expect(refusal(() => book.redeem("a", third, NOW))).toBeUndefined();
  });
});
