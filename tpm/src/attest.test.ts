// SPDX-License-Identifier: Apache-2.0

import { expect, it } from "vitest";
import { codeOf } from "../test/code-of.ts";
import { hex, readQuoteVector } from "../test/vector.ts";
import { encodeQuoteAttest, parseQuoteAttest } from "./attest.ts";

const { attest: ATTEST, nonce: NONCE } = readQuoteVector("p256");
const SAFE_OFFSET = 76;

function patched(offset: number, digits: string): Uint8Array {
  const copy = ATTEST.slice();
  copy.set(hex(digits), offset);
  return copy;
}

it("reads every field of a captured quote", () => {
  expect(parseQuoteAttest(ATTEST)).toEqual({
    qualifiedSigner: hex("000bfc7140047603efeb84cdab64f56b5ea5e4d5a2d891e75c2794ea90da09858ca5"),
    nonce: NONCE,
    clock: { clock: 0xcdedf, resetCount: 4, restartCount: 0, safe: true },
    firmwareVersion: "2019102300163636",
    selection: [{ bank: "sha256", pcrs: [10] }],
    pcrDigest: hex("8023589f1ca5e7e252b4c88dd88c032758a2d3a37705ef9886547ecff4cad68b"),
  });
});

it("writes what it read", () => {
  expect(encodeQuoteAttest(parseQuoteAttest(ATTEST))).toEqual(ATTEST);
  const unsafe = patched(SAFE_OFFSET, "00");
  expect(encodeQuoteAttest(parseQuoteAttest(unsafe))).toEqual(unsafe);
});

it.each([
  ["another magic", patched(0, "fe"), "ATTEST_MAGIC"],
  ["the type of a certification", patched(4, "8017"), "ATTEST_TYPE"],
  ["a safe flag of 2", patched(SAFE_OFFSET, "02"), "BYTES_RANGE"],
  ["a clock beyond 2^53", patched(60, "ffff"), "BYTES_RANGE"],
  ["a name longer than everything", patched(6, "ffff"), "BYTES_SHORT"],
  ["a billion banks", patched(85, "40000000"), "PCR_SELECTION"],
  ["an unknown bank", patched(89, "0012"), "HASH_UNKNOWN"],
  ["a byte too many", new Uint8Array([...ATTEST, 0]), "BYTES_TRAILING"],
])("refuses %s", (_, bytes, code) => {
  expect(codeOf(() => parseQuoteAttest(bytes))).toBe(code);
});

it("refuses a quote that is cut anywhere", () => {
  for (let length = 0; length < ATTEST.length; length++) {
    expect(codeOf(() => parseQuoteAttest(ATTEST.subarray(0, length)))).toBe("BYTES_SHORT");
  }
});
