// SPDX-License-Identifier: Apache-2.0

import fc from "fast-check";
import { expect, it } from "vitest";
import { bytePathFromBytes, bytePathFromText, displayPath } from "./byte-path.ts";

const path = fc.oneof(
  fc.uint8Array({ maxLength: 12 }).map(bytePathFromBytes),
  fc.string({ unit: "binary", maxLength: 12 }).map(bytePathFromText),
  // What an escape looks like, spelled out.
  fc.string({ unit: fc.constantFrom("\\", "x", "u", "{", "}", "8", "5", "\x85"), maxLength: 8 }),
);

it("shows two paths alike only when they are the same", () => {
  const seen = new Map<string, string>();
  fc.assert(
    fc.property(path, (one) => {
      const shown = displayPath(one);
      expect(seen.get(shown) ?? one).toBe(one);
      seen.set(shown, one);
    }),
    { numRuns: 5000 },
  );
});

it("shows nothing that moves the cursor or cannot be seen", () => {
  fc.assert(
    fc.property(path, (one) => {
      expect(displayPath(one)).not.toMatch(/[\p{C}\p{Zl}\p{Zp}]/u);
    }),
  );
});
