// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from "vitest";
import type { BootReference, ReferenceEvent } from "./boot-reference.ts";
import { compareBoot, UNEXPECTED_MAX } from "./compare-boot.ts";
import type { BootEvent, ProvenBoot } from "./proven-boot.ts";

function event(digest: string, pcr = 4): BootEvent {
  return { pcr, type: "EV_SEPARATOR", text: "", digest };
}

function slot(digests: readonly string[], change: Partial<ReferenceEvent> = {}): ReferenceEvent {
  const usual = { pcr: 4, type: "EV_SEPARATOR", what: "", optional: false };
  return { ...usual, digests: new Set(digests), ...change };
}

function boot(...events: readonly BootEvent[]): ProvenBoot {
  return { events, pcrs: new Map(), aggregates: new Map() };
}

function reference(
  events: readonly ReferenceEvent[],
  commandLines: readonly (readonly [string, string])[] = [],
): BootReference {
  return { name: "x", events, commandLines: new Map(commandLines) };
}

describe("compareBoot", () => {
  it("finds nothing in a boot that has one of each, some more often, and not what may be missing", () => {
    const wanted = reference([slot(["a", "b"]), slot(["c"]), slot(["d"], { optional: true })]);
    expect(compareBoot(boot(event("c"), event("b"), event("b")), wanted)).toEqual({
      unexpected: [],
      missing: [],
      measuresImaPolicy: false,
    });
  });

  it("says what was expected in the place of something, and not that it is missing as well", () => {
    const wanted = slot(["a"]);
    const { unexpected, missing } = compareBoot(boot(event("x")), reference([wanted]));
    expect(unexpected).toEqual([{ event: event("x"), instead: [wanted] }]);
    expect(missing).toEqual([]);
  });

  it("tells PCRs and types apart", () => {
    const wanted = slot(["a"], { pcr: 5 });
    const { unexpected, missing } = compareBoot(boot(event("a")), reference([wanted]));
    expect(unexpected).toEqual([{ event: event("a"), instead: [] }]);
    expect(missing).toEqual([wanted]);
  });

  it("tells of the first unexpected events only", () => {
    const events = Array.from({ length: UNEXPECTED_MAX + 1 }, (_, index) => event(`${index}`));
    expect(compareBoot(boot(...events), reference([])).unexpected).toHaveLength(UNEXPECTED_MAX);
  });

  it.each<[string, readonly string[], boolean]>([
    ["a line that has it", ["good"], true],
    ["no line", [], false],
    ["a second line without it", ["good", "bad"], false],
  ])("knows by the command line whether policies are measured: %s", (_, digests, expected) => {
    const lines = [
      ["good", "ima_policy=tcb"],
      ["bad", "quiet"],
    ] as const;
    const wanted = reference([slot(["good", "bad"])], lines);
    expect(compareBoot(boot(...digests.map((each) => event(each))), wanted)).toMatchObject({
      measuresImaPolicy: expected,
    });
  });
});
