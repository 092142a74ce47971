// SPDX-License-Identifier: Apache-2.0

import { expect, it } from "vitest";
import { codeOf } from "../test/code-of.ts";
import { makeEccAk, makeRsaAk } from "../test/software-ak.ts";
import { hex, readQuotes, readQuoteVector } from "../test/vector.ts";
import { parsePublicArea } from "./public-area.ts";
import { encodeSignature, isSignatureOf, parseSignature } from "./signature.ts";

const VECTORS = [
  ["P-256", readQuoteVector("p256")],
  ["RSA-2048", readQuoteVector("rsa")],
  ...readQuotes().map((quote) => [quote.name, quote] as const),
] as const;

it.each(VECTORS)("a captured %s signature is read, written and accepted", (_, vector) => {
  const signature = parseSignature(vector.signature);
  expect(encodeSignature(signature)).toEqual(vector.signature);
  const key = parsePublicArea(vector.akPublic);
  expect(isSignatureOf(key, vector.attest, signature)).toBe(true);
  expect(isSignatureOf(key, vector.attest.subarray(1), signature)).toBe(false);
});

it.each(VECTORS)(
  "a %s signature of another key or in another scheme is not accepted",
  (_, vector) => {
    const key = parsePublicArea(vector.akPublic);
    const signature = parseSignature(vector.signature);
    for (const [, other] of VECTORS) {
      const accepted = isSignatureOf(parsePublicArea(other.akPublic), vector.attest, signature);
      expect(accepted).toBe(other === vector);
    }
    expect(isSignatureOf({ ...key, scheme: null }, vector.attest, signature)).toBe(false);
    // A good signature, but not in the hash that the key is bound to.
    const hash = signature.hash === "sha384" ? "sha512" : "sha384";
    const stricter = { name: signature.scheme, hash } as const;
    expect(isSignatureOf({ ...key, scheme: stricter }, vector.attest, signature)).toBe(false);
    expect(isSignatureOf(key, vector.attest, { ...signature, hash: "sha1" })).toBe(false);
    expect(isSignatureOf(makeEccAk().area, vector.attest, signature)).toBe(false);
  },
);

it.each([
  ["ECDAA", "001a 000b 0001 00", "SIGNATURE_MALFORMED"],
  ["an HMAC", "0005 000b 0001 00", "SIGNATURE_MALFORMED"],
  ["an unknown hash", "0014 0012 0001 00", "HASH_UNKNOWN"],
  ["r of 49 bytes", `0018 000b 0031 ${"01".repeat(49)} 0001 01`, "SIGNATURE_MALFORMED"],
  ["s of 49 bytes", `0018 000b 0001 01 0031 ${"01".repeat(49)}`, "SIGNATURE_MALFORMED"],
  ["no s", "0018 000b 0001 01", "BYTES_SHORT"],
  ["a byte too many", "0014 000b 0001 01 00", "BYTES_TRAILING"],
  ["nothing", "", "BYTES_SHORT"],
])("refuses %s", (_, bytes, code) => {
  expect(codeOf(() => parseSignature(hex(bytes)))).toBe(code);
});

it("takes numbers of any length up to that of the curve for numbers", () => {
  const key = makeEccAk();
  const message = hex("00");
  const zero = { scheme: "ecdsa", hash: "sha256", r: hex(""), s: hex("00") } as const;
  expect(isSignatureOf(key.area, message, zero)).toBe(false);
  const long = hex("01".repeat(33));
  expect(isSignatureOf(key.area, message, { ...zero, r: long })).toBe(false);
  expect(isSignatureOf(key.area, message, { ...zero, s: long })).toBe(false);
});

it("accepts nothing by an RSA key that claims to sign ECDSA", () => {
  const area = { ...makeRsaAk().area, scheme: { name: "ecdsa", hash: "sha256" } } as const;
  const signature = { scheme: "ecdsa", hash: "sha256", r: hex("01"), s: hex("01") } as const;
  expect(isSignatureOf(area, hex("00"), signature)).toBe(false);
  expect(isSignatureOf(area, hex("00"), { ...signature, r: hex(""), s: hex("") })).toBe(false);
});
