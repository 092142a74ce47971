// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from "vitest";
import { codeOf } from "../test/code-of.ts";
import { attestOf, makeEccAk, makeRsaAk, type QuoteContent } from "../test/software-ak.ts";
import { hex, readQuotes, readQuoteVector } from "../test/vector.ts";
import { ByteWriter } from "./bytes.ts";
import { digest } from "./hash-algorithm.ts";
import type { PcrSelection, PcrValue } from "./pcr.ts";
import { ObjectAttribute } from "./public-area.ts";
import { type QuoteInput, verifyQuote } from "./quote.ts";

const AK = makeEccAk();
const NONCE = new Uint8Array(32).fill(7);
const SELECTION: PcrSelection = [{ bank: "sha256", pcrs: [10, 13] }];
const PCRS = [pcr(10), pcr(13)];

function pcr(index: number, fill = index): PcrValue {
  return { bank: "sha256", index, value: new Uint8Array(32).fill(fill) };
}

/** A good quote by AK, but for `content`. */
function quoteInput(content: Partial<QuoteContent> = {}): QuoteInput {
  const said = { nonce: NONCE, selection: SELECTION, pcrs: PCRS };
  const attest = attestOf({ ...said, ...content });
  return { ...said, akPublic: AK.publicArea, attest, signature: AK.sign(attest) };
}

function signed(attest: Uint8Array): QuoteInput {
  return { ...quoteInput(), attest, signature: AK.sign(attest) };
}

describe.each(readQuotes())("a quote of a TPM by a key $name", ({ name: _, ...input }) => {
  it("is verified, with exactly the values that were quoted", () => {
    expect(verifyQuote(input).pcrs).toEqual(input.pcrs);
  });

  it("is refused when any bit of its attest, signature or key is flipped", {
    timeout: 60_000,
  }, () => {
    const attributes = 4;
    for (const field of ["attest", "signature", "akPublic"] as const) {
      for (let bit = 0; bit < 8 * input[field].length; bit += 3) {
        // What else the key may be used for is the name's matter: the name is what was enrolled.
        if (field === "akPublic" && bit >> 5 === attributes / 4) continue;
        const bytes = input[field].slice();
        bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        const code = codeOf(() => verifyQuote({ ...input, [field]: bytes }));
        expect(code, `${field} bit ${bit}`).not.toBeNull();
      }
    }
  });

  it("is refused with any other value of a PCR", () => {
    for (const [which, { value }] of input.pcrs.entries()) {
      const other = value.with(0, (value[0] ?? 0) ^ 1);
      const pcrs = input.pcrs.map((pcr, index) =>
        index === which ? { ...pcr, value: other } : pcr,
      );
      expect(codeOf(() => verifyQuote({ ...input, pcrs }))).toBe("QUOTE_PCR_DIGEST");
    }
  });
});

describe("a quote captured from a TPM", () => {
  const { pcrs, ...vector } = readQuoteVector("rsa");
  const values = pcrs.map((each) => ({ bank: "sha256", ...each }) as const);
  const input = { ...vector, selection: SELECTION, pcrs: values };

  it("is verified", () => {
    const quote = verifyQuote(input);
    expect(quote.pcrs).toEqual(values);
    expect(quote.clock).toMatchObject({ restartCount: 0, safe: true });
    expect(quote.firmwareVersion).toBe("2019102300163636");
    // Each PCR was extended once: what was verified is what was extended.
    const extended = digest("sha256", new Uint8Array(32), digest("sha256", Buffer.from("ten")));
    expect(quote.pcrs[0]?.value).toEqual(extended);
  });

  it("by a P-256 key is verified up to its PCR values, which were not kept", () => {
    const selection: PcrSelection = [{ bank: "sha256", pcrs: [10] }];
    const quote = { ...readQuoteVector("p256"), selection, pcrs: [pcr(10)] };
    expect(codeOf(() => verifyQuote(quote))).toBe("QUOTE_PCR_DIGEST");
  });

  it("is refused when any bit of its attest, signature or nonce is flipped", {
    timeout: 60_000,
  }, () => {
    for (const field of ["attest", "signature", "nonce"] as const) {
      for (let bit = 0; bit < 8 * input[field].length; bit++) {
        const bytes = input[field].slice();
        bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        expect(codeOf(() => verifyQuote({ ...input, [field]: bytes }))).not.toBeNull();
      }
    }
  });
});

describe("a quote", () => {
  it("is verified with keys of both types, PCR values in any order", () => {
    const input = { ...quoteInput(), pcrs: PCRS.toReversed() };
    expect(verifyQuote(input).pcrs).toEqual(PCRS);
    const rsa = makeRsaAk();
    const byRsa = { ...input, akPublic: rsa.publicArea, signature: rsa.sign(input.attest) };
    expect(verifyQuote(byRsa).pcrs).toEqual(PCRS);
  });

  it("of several banks has its values in the order of the banks", () => {
    const selection: PcrSelection = [
      { bank: "sha384", pcrs: [0] },
      { bank: "sha256", pcrs: [10, 13] },
      { bank: "sha1", pcrs: [0] },
    ];
    const pcrs: PcrValue[] = [
      { bank: "sha384", index: 0, value: new Uint8Array(48) },
      ...PCRS,
      { bank: "sha1", index: 0, value: new Uint8Array(20) },
    ];
    const input = { ...quoteInput({ selection, pcrs }), selection, pcrs: pcrs.toReversed() };
    expect(verifyQuote(input).pcrs).toEqual(pcrs);
  });

  it("stays what it was when the bytes it came from change", () => {
    const value = new Uint8Array(32).fill(10);
    const quote = verifyQuote({ ...quoteInput(), pcrs: [{ ...pcr(10), value }, pcr(13)] });
    value.fill(0);
    expect(quote.pcrs).toEqual(PCRS);
    expect(Object.isFrozen(quote)).toBe(true);
  });
});

describe("refused, each with its own code:", () => {
  const otherSelection: PcrSelection = [{ bank: "sha256", pcrs: [10] }];
  const otherBank: PcrSelection = [{ bank: "sha1", pcrs: [10] }];
  const sha1Pcr: PcrValue = { bank: "sha1", index: 10, value: new Uint8Array(20) };
  const unrestricted = makeEccAk({ attributes: 0x0005_0072 & ~ObjectAttribute.restricted });
  const good = quoteInput();

  it.each<[string, QuoteInput, string]>([
    ["a quote over another nonce", quoteInput({ nonce: new Uint8Array(32) }), "QUOTE_NONCE"],
    [
      "a quote over the start of the nonce",
      quoteInput({ nonce: NONCE.subarray(1) }),
      "QUOTE_NONCE",
    ],
    [
      "a nonce too short to be fresh",
      { ...quoteInput({ nonce: hex("01") }), nonce: hex("01") },
      "QUOTE_NONCE",
    ],
    [
      "a quote of fewer PCRs",
      quoteInput({ selection: otherSelection, pcrs: [pcr(10)] }),
      "QUOTE_SELECTION",
    ],
    [
      "a quote of another bank",
      quoteInput({ selection: otherBank, pcrs: [sha1Pcr] }),
      "QUOTE_SELECTION",
    ],
    [
      "a quote of nothing, as asked",
      { ...quoteInput({ selection: [], pcrs: [] }), selection: [], pcrs: [] },
      "QUOTE_SELECTION",
    ],
    ["other PCR values", { ...good, pcrs: [pcr(10), pcr(13, 0)] }, "QUOTE_PCR_DIGEST"],
    ["values of exchanged PCRs", { ...good, pcrs: [pcr(10, 13), pcr(13, 10)] }, "QUOTE_PCR_DIGEST"],
    [
      "a digest of another hash",
      quoteInput({ changes: { pcrDigest: new Uint8Array(20) } }),
      "QUOTE_PCR_DIGEST",
    ],
    ["a missing PCR value", { ...good, pcrs: [pcr(10)] }, "PCR_VALUES"],
    ["a PCR value too many", { ...good, pcrs: [...PCRS, pcr(0)] }, "PCR_VALUES"],
    ["a quote of another key", { ...good, akPublic: makeEccAk().publicArea }, "QUOTE_SIGNATURE"],
    [
      "a quote of a key of another type",
      { ...good, akPublic: makeRsaAk().publicArea },
      "QUOTE_SIGNATURE",
    ],
    ["a key that signs anything", { ...good, akPublic: unrestricted.publicArea }, "AK_ATTRIBUTES"],
    [
      "a key off its curve",
      { ...good, akPublic: makeEccAk({ x: new Uint8Array(32) }).publicArea },
      "KEY_INVALID",
    ],
    ["no signature", { ...good, signature: new Uint8Array(0) }, "BYTES_SHORT"],
    ["a signed structure with another magic", signed(hex("ff544348 8018")), "ATTEST_MAGIC"],
    ["a signed certification", signed(hex("ff544347 8017")), "ATTEST_TYPE"],
    [
      "a signed quote with bytes behind it",
      signed(new ByteWriter().bytes(good.attest).u8(0).finish()),
      "BYTES_TRAILING",
    ],
  ])("%s", (_, input, code) => {
    expect(codeOf(() => verifyQuote(input))).toBe(code);
  });
});
