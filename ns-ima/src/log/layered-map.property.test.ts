// SPDX-License-Identifier: Apache-2.0

import fc from "fast-check";
import { expect, it } from "vitest";
import { LayeredMap } from "./layered-map.ts";

const versions = fc.array(fc.array(fc.tuple(fc.nat(40), fc.nat(1000)), { maxLength: 30 }), {
  maxLength: 40,
});

it("holds in each version what a Map would hold, and leaves the older versions as they were", () => {
  fc.assert(
    fc.property(versions, (edits) => {
      const model = new Map<number, number>();
      let map = new LayeredMap<number, number>();
      const history = edits.map((edit) => {
        const draft = map.draft();
        for (const [key, value] of edit) {
          model.set(key, value);
          draft.set(key, value);
          expect(draft.get(key)).toBe(value);
        }
        map = draft.seal();
        return { map, model: new Map(model) };
      });
      for (const version of history) {
        for (let key = 0; key <= 41; key++) {
          expect(version.map.get(key)).toBe(version.model.get(key));
          expect(version.map.has(key)).toBe(version.model.has(key));
        }
      }
    }),
  );
});

it("allows two successors of one version", () => {
  const base = new LayeredMap<string, number>([new Map([["a", 1]])]);
  const left = base.with(new Map([["a", 2]]));
  const right = base.with(new Map([["b", 3]]));
  expect([base.get("a"), left.get("a"), right.get("a")]).toEqual([1, 2, 1]);
  expect([base.has("b"), left.has("b"), right.get("b")]).toEqual([false, false, 3]);
});
