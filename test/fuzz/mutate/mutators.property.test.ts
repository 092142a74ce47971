// SPDX-License-Identifier: Apache-2.0

import { encodeEvent, parseJson } from "@nsattest/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Random } from "../engine/random.ts";
import type { Mutator } from "../engine/target.ts";
import { EVENTS } from "../targets/samples.ts";
import { json, utf8 } from "../targets/vectors.ts";
import { mutateBytes, withWords } from "./bytes.ts";
import { mutateCbor } from "./cbor.ts";
import { mutateDer } from "./der.ts";
import { mutateJson } from "./json.ts";
import { sizedMutator } from "./sized.ts";

const MUTATORS: Readonly<Record<string, Mutator>> = {
  mutateBytes,
  mutateCbor,
  mutateDer,
  mutateJson,
  sized: sizedMutator({ width: 2, little: false }, { width: 4, little: true }),
  words: withWords([utf8("word")]),
};

const EVENT = encodeEvent(EVENTS[1] as (typeof EVENTS)[number]);
const DOCUMENT = json({ a: [1, { b: "c" }], d: null });
const DER = Uint8Array.from([0x30, 8, 0x02, 1, 5, 0x30, 3, 0x04, 1, 9]);

const input = fc.oneof(fc.uint8Array({ maxLength: 200 }), fc.constantFrom(EVENT, DOCUMENT, DER));

describe.each(Object.entries(MUTATORS))("%s", (_, mutate) => {
  it("takes any bytes, leaves them as they are, and does the same for the same seed", () => {
    fc.assert(
      fc.property(input, input, fc.nat(), (bytes, other, seed) => {
        const [before, otherBefore] = [bytes.slice(), other.slice()];
        const mutated = mutate(bytes, new Random(seed), other);
        expect(mutate(bytes, new Random(seed), other)).toEqual(mutated);
        expect([bytes, other]).toEqual([before, otherBefore]);
      }),
    );
  });
});

/** What `mutate` makes of `bytes` with many seeds. */
function many(mutate: Mutator, bytes: Uint8Array): Uint8Array[] {
  return Array.from({ length: 300 }, (_, seed) => mutate(bytes, new Random(seed), bytes));
}

it("a JSON document stays one", () => {
  for (const bytes of many(mutateJson, DOCUMENT)) expect(() => parseJson(bytes)).not.toThrow();
});

it("what stands behind a size changes with it", () => {
  const bytes = Uint8Array.from([0, 2, 9, 9]);
  const fits = many(sizedMutator({ width: 2, little: false }), bytes).filter(
    ([high = 0, low = 0, ...rest]) => high * 256 + low === rest.length,
  );
  expect(new Set(fits.map(({ length }) => length)).size).toBeGreaterThan(10);
});

it("a CBOR item is changed in its place", () => {
  const heads = new Set(many(mutateCbor, EVENT).map(([head]) => head));
  expect(heads.size).toBeGreaterThan(5);
  const kept = many(mutateCbor, EVENT).filter(([head]) => head === EVENT[0]);
  expect(kept.length).toBeGreaterThan(100);
});

it("a DER element may have any tag and length", () => {
  const mutated = many(mutateDer, DER);
  expect(new Set(mutated.map(([tag]) => tag)).size).toBeGreaterThan(5);
  expect(mutated.some(([, length = 0]) => length > 0x80)).toBe(true);
});
