// SPDX-License-Identifier: Apache-2.0

import fc from "fast-check";
import { expect, it } from "vitest";
import { type CborValue, decodeCbor, encodeCbor } from "./cbor.ts";
import { ProtocolError } from "./error.ts";

const MAX = 100_000;

const { value } = fc.letrec<{ value: CborValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 5 },
    fc.constantFrom(null, true, false),
    fc.maxSafeNat(),
    fc.string({ unit: "grapheme" }),
    fc.uint8Array(),
    fc.array(tie("value")),
    fc
      .uniqueArray(fc.tuple(fc.string({ unit: "binary" }), tie("value")), {
        selector: ([key]) => key,
      })
      .map((pairs) => new Map(pairs)),
  ),
}));

it("reads what it wrote", () => {
  fc.assert(
    fc.property(value, (value) => {
      expect(decodeCbor(encodeCbor(value), MAX)).toEqual(value);
    }),
  );
});

it("refuses any other bytes with its own error, or reads what these very bytes say", () => {
  const check = (bytes: Uint8Array) => {
    try {
      expect(encodeCbor(decodeCbor(bytes, MAX))).toEqual(bytes);
    } catch (error) {
      expect(error).toBeInstanceOf(ProtocolError);
    }
  };
  fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), check), { numRuns: 2000 });
  const damaged = fc.tuple(value, fc.nat(), fc.nat(255)).map(([value, at, byte]) => {
    const bytes = encodeCbor(value);
    bytes[at % bytes.length] = byte;
    return bytes;
  });
  fc.assert(fc.property(damaged, check), { numRuns: 2000 });
});
