// SPDX-License-Identifier: Apache-2.0

import { EMPTY_JOIN, type JoinState } from "@nsattest/ns-ima";
import { describe, expect, it } from "vitest";
import { isStalled, waitingAfter } from "./waiting.ts";

function join(entries: number, mark: number): JoinState {
  return { ...EMPTY_JOIN, entries, mark };
}

describe("waiting entries", () => {
  it("wait from when they came until a mark is above them", () => {
    const first = waitingAfter([], join(3, 0), 1000);
    expect(first).toEqual([{ upTo: 3, since: 1000 }]);
    const second = waitingAfter(first, join(5, 0), 2000);
    expect(second).toEqual([
      { upTo: 3, since: 1000 },
      { upTo: 5, since: 2000 },
    ]);
    expect(waitingAfter(second, join(5, 2), 3000)).toEqual(second);
    expect(waitingAfter(second, join(5, 4), 3000)).toEqual([{ upTo: 5, since: 2000 }]);
    expect(waitingAfter(second, join(6, 6), 3000)).toEqual([]);
  });

  it("are none when there is nothing new above the mark", () => {
    expect(waitingAfter([], join(4, 4), 1000)).toEqual([]);
    expect(waitingAfter([], join(0, 0), 1000)).toEqual([]);
  });

  it("are too old after the given time, and only then", () => {
    const waiting = [
      { upTo: 3, since: 1000 },
      { upTo: 5, since: 9000 },
    ];
    expect(isStalled([], 1e9, 1)).toBe(false);
    expect(isStalled(waiting, 3000, 2)).toBe(false);
    expect(isStalled(waiting, 3001, 2)).toBe(true);
  });
});
