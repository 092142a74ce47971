// SPDX-License-Identifier: Apache-2.0

import type { Reason } from "@nsattest/protocol";
import { describe, expect, it } from "vitest";
import type { JudgedRound, Store } from "../store/store.ts";
import { sinceReader } from "./since.ts";

const GAP: Reason = { code: "GAP", detail: "something was not seen" };
const BAD: Reason = { code: "NOT_IN_ALLOWLIST", path: "/a", digest: "sha256:ab", detail: "x" };

/** A store of one boot whose rounds have these reasons, host and namespace the same; and how often it was read. */
function storeOf(rounds: readonly (readonly Reason[])[]): { store: Store; reads: number[] } {
  const reads: number[] = [];
  const store: Pick<Store, "countRounds" | "findRound"> = {
    countRounds: () => rounds.length,
    findRound: (_, number): Omit<JudgedRound, "evidence"> | null => {
      reads.push(number);
      const reasons = rounds[number];
      if (!reasons) return null;
      const decision = { tier: "none", reasons, limits: [] };
      const standing = { quoteVerified: true, host: decision, namespaces: { "a/1": decision } };
      return { received: number * 1000, policy: `v${number}`, standing: JSON.stringify(standing) };
    },
  };
  return { store: store as Store, reads };
}

const at = (number: number) => ({
  received: new Date(number * 1000).toISOString(),
  policy: `v${number}`,
});

describe("the evidence since which there is a reason", () => {
  it.each(["host", "a/1"])("is found for %s wherever it is", (namespace) => {
    for (let length = 1; length < 12; length++) {
      for (let first = 0; first < length; first++) {
        const rounds = Array.from({ length }, (_, number) => (number < first ? [GAP] : [GAP, BAD]));
        const since = sinceReader(storeOf(rounds).store, "n", namespace);
        expect(since(BAD)).toEqual(at(first));
        expect(since(GAP)).toEqual(at(0));
      }
    }
  });

  it("is none where the last round does not have it", () => {
    expect(sinceReader(storeOf([]).store, "n", "host")(GAP)).toBeNull();
    const { store } = storeOf([[GAP], []]);
    expect(sinceReader(store, "n", "host")(GAP)).toBeNull();
    expect(sinceReader(store, "n", "unknown/1")(GAP)).toBeNull();
  });

  it("is one since which it stands, where it went and came back", () => {
    const { store } = storeOf([[GAP], [], [], [GAP], [GAP]]);
    const since = sinceReader(store, "n", "host")(GAP);
    expect([at(0), at(3)]).toContainEqual(since);
  });

  it("takes few of many rounds, each once, however many reasons there are", () => {
    const rounds = Array.from({ length: 1000 }, (_, number) => (number < 400 ? [] : [GAP, BAD]));
    const { store, reads } = storeOf(rounds);
    const since = sinceReader(store, "n", "host");
    expect([since(GAP), since(BAD)]).toEqual([at(400), at(400)]);
    expect(reads.length).toBeLessThanOrEqual(12);
    expect(new Set(reads).size).toBe(reads.length);
  });
});
