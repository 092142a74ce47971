// SPDX-License-Identifier: Apache-2.0

import fc from "fast-check";
import { expect, it } from "vitest";
import { codeOf } from "../test/code-of.ts";
import { attestOf, makeEccAk } from "../test/software-ak.ts";
import { HASH_ALGORITHMS, type HashName } from "./hash-algorithm.ts";
import { PCR_COUNT, type PcrSelection, type PcrValue } from "./pcr.ts";
import { parsePublicArea } from "./public-area.ts";
import { verifyQuote } from "./quote.ts";

const AK = makeEccAk();

const bankName = fc.constantFrom(...(Object.keys(HASH_ALGORITHMS) as HashName[]));
const pcrIndices = fc
  .uniqueArray(fc.nat({ max: PCR_COUNT - 1 }), { minLength: 1 })
  .map((indices) => indices.sort((a, b) => a - b));
const selectionOfAny: fc.Arbitrary<PcrSelection> = fc.uniqueArray(
  fc.record({ bank: bankName, pcrs: pcrIndices }),
  { minLength: 1, selector: ({ bank }) => bank },
);

/** Values for exactly the PCRs of `selection`, in its order. */
function valuesOf(selection: PcrSelection): fc.Arbitrary<readonly PcrValue[]> {
  const all = selection.flatMap(({ bank, pcrs }) => pcrs.map((index) => ({ bank, index })));
  return fc.tuple(
    ...all.map(({ bank, index }) => {
      const { size } = HASH_ALGORITHMS[bank];
      const bytes = fc.uint8Array({ minLength: size, maxLength: size });
      return bytes.map((value) => ({ bank, index, value }));
    }),
  );
}

const quoteInput = fc
  .record({ nonce: fc.uint8Array({ minLength: 16, maxLength: 64 }), selection: selectionOfAny })
  .chain((asked) =>
    valuesOf(asked.selection).map((pcrs) => {
      const attest = attestOf({ ...asked, pcrs });
      return { ...asked, pcrs, attest, signature: AK.sign(attest), akPublic: AK.publicArea };
    }),
  );

function flipped(bytes: Uint8Array, position: number): Uint8Array {
  const bit = position % (8 * bytes.length);
  const copy = bytes.slice();
  copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  return copy;
}

it("gives back the values of any selection", () => {
  fc.assert(
    fc.property(quoteInput, (input) => {
      expect(verifyQuote(input).pcrs).toEqual(input.pcrs);
    }),
  );
});

it("refuses any flipped bit of attest, signature and nonce with a TpmError", () => {
  const field = fc.constantFrom("attest" as const, "signature" as const, "nonce" as const);
  fc.assert(
    fc.property(quoteInput, field, fc.nat(), (input, name, position) => {
      const changed = { ...input, [name]: flipped(input[name], position) };
      expect(codeOf(() => verifyQuote(changed))).not.toBeNull();
    }),
  );
});

it("refuses any flipped bit of a PCR value", () => {
  fc.assert(
    fc.property(quoteInput, fc.nat(), fc.nat(), (input, which, position) => {
      const target = which % input.pcrs.length;
      const pcrs = input.pcrs.map((pcr, index) =>
        index === target ? { ...pcr, value: flipped(pcr.value, position) } : pcr,
      );
      expect(codeOf(() => verifyQuote({ ...input, pcrs }))).toBe("QUOTE_PCR_DIGEST");
    }),
  );
});

it("refuses any other selection than the one asked for", () => {
  fc.assert(
    fc.property(quoteInput, fc.nat({ max: 23 }), fc.nat(), (input, index, which) => {
      const target = which % input.selection.length;
      const selection = input.selection.map((each, position) => {
        if (position !== target) return each;
        const without = each.pcrs.filter((pcr) => pcr !== index);
        return { ...each, pcrs: without.length < each.pcrs.length ? without : [...without, index] };
      });
      expect(codeOf(() => verifyQuote({ ...input, selection }))).toBe("QUOTE_SELECTION");
    }),
  );
});

it("never fails with anything but a TpmError, whatever the key", () => {
  fc.assert(
    fc.property(quoteInput, fc.nat(), (input, position) => {
      const akPublic = flipped(input.akPublic, position);
      // Some attributes change nothing about what the key proves; a changed key or scheme always does.
      if (codeOf(() => verifyQuote({ ...input, akPublic })) !== null) return;
      const { attributes: _, ...key } = parsePublicArea(akPublic);
      expect({ ...key, attributes: AK.area.attributes }).toEqual(AK.area);
    }),
  );
});
