// SPDX-License-Identifier: Apache-2.0
/* biome-ignore-all lint/suspicious/noTemplateCurlyInString: excerpts of sources, with the placeholders that they have */

import type { Checks } from "./check.ts";

const QUOTE_TEST = "tpm/src/quote.test.ts";

/** What makes a quote one: signature, key, nonce, PCRs. */
export const QUOTE_CHECKS = {
  "quote-signature": {
    file: "tpm/src/quote.ts",
    excerpt: "if (!isSignatureOf(area, input.attest, parseSignature(input.signature), key)) {",
    without: "if (false) {",
    guards: "the pinned key signed the quote",
  },
  "quote-signature-scheme": {
    file: "tpm/src/signature.ts",
    excerpt:
      "if (key.scheme?.name !== signature.scheme || key.scheme.hash !== signature.hash) return false;",
    without: "",
    guards: "the key says how it signs, not the signature",
  },
  "quote-signature-form": {
    file: "tpm/src/signature.ts",
    excerpt: "if (scheme !== AlgorithmId.ECDSA) {",
    without: "if (false) {",
    guards: "no scheme is read as another one",
    tests: [{ file: "tpm/src/signature.test.ts", title: "ECDAA" }],
  },
  "quote-signature-numbers": {
    file: "tpm/src/signature.ts",
    excerpt: "if (r.length > COORDINATE_MAX || s.length > COORDINATE_MAX) {",
    without: "if (false) {",
    guards: "the numbers of an ECDSA signature fit where they are put",
    tests: [{ file: "tpm/src/signature.test.ts", title: "r of 49 bytes" }],
  },
  "quote-key": {
    file: "tpm/src/attestation-key.ts",
    excerpt: "assertAttestationKey(area);\n  return { area",
    without: "return { area",
    guards: "the key signs nothing but what its TPM states",
    tests: [{ file: QUOTE_TEST, title: "a key that signs anything" }],
  },
  "quote-nonce": {
    file: "tpm/src/quote.ts",
    excerpt:
      'if (!equal(quoted, expected)) throw new TpmError("QUOTE_NONCE", "another nonce was quoted");',
    without: "",
    guards: "the quote was made for this challenge",
  },
  "quote-nonce-size": {
    file: "tpm/src/quote.ts",
    excerpt: "if (expected.length < MIN_NONCE_SIZE) {",
    without: "if (false) {",
    guards: "nobody could have guessed the nonce",
    tests: [{ file: QUOTE_TEST, title: "a nonce too short to be fresh" }],
  },
  "quote-selection": {
    file: "tpm/src/quote.ts",
    excerpt: "if (!samePcrSelection(quoted, asked)) {",
    without: "if (false) {",
    guards: "exactly the PCRs that were asked for were quoted",
  },
  "quote-selection-empty": {
    file: "tpm/src/quote.ts",
    excerpt: "if (!asked.some(({ pcrs }) => pcrs.length > 0)) {",
    without: "if (false) {",
    guards: "a quote is about something",
    tests: [{ file: QUOTE_TEST, title: "a quote of nothing, as asked" }],
  },
  "quote-pcr-digest": {
    file: "tpm/src/quote.ts",
    excerpt: "if (!equal(attest.pcrDigest, pcrDigest(area.scheme.hash, ordered))) {",
    without: "if (false) {",
    guards: "the PCRs had the values that list and log are replayed to",
  },
  "quote-pcr-missing": {
    file: "tpm/src/pcr.ts",
    excerpt: "if (found?.value.length !== HASH_ALGORITHMS[bank].size || ordered.includes(found)) {",
    without: "if (false) {",
    guards: "each PCR that counts has a value of its bank's size",
    tests: [{ file: "tpm/src/pcr.test.ts", title: "one has another size" }],
  },
  "quote-pcr-extra": {
    file: "tpm/src/pcr.ts",
    excerpt: "if (ordered.length !== values.length) {",
    without: "if (false) {",
    guards: "no PCR has two values, and none is there that was not asked for",
  },
  "quote-bank-count": {
    file: "tpm/src/pcr.ts",
    excerpt:
      'if (count > MAX_BANKS) throw new TpmError("PCR_SELECTION", `${count} banks selected`);',
    without: "",
    guards: "a number in a message does not decide how much is computed",
    tests: [{ file: "tpm/src/pcr.test.ts", title: "more banks than there are hashes" }],
  },
  "quote-bitmap": {
    file: "tpm/src/pcr.ts",
    excerpt:
      'if (size !== SELECT_SIZE) throw new TpmError("PCR_SELECTION", `bitmap of ${size} bytes, not 3`);',
    without: "",
    guards: "a selection is read as the TPM meant it",
    tests: [{ file: "tpm/src/pcr.test.ts", title: "four bytes of bitmap" }],
  },
  "quote-magic": {
    file: "tpm/src/attest.ts",
    excerpt:
      'if (reader.u32() !== MAGIC) throw new TpmError("ATTEST_MAGIC", "not a TPM-generated structure");',
    without: "reader.u32();",
    guards: "the TPM itself made what was signed",
  },
  "quote-type": {
    file: "tpm/src/attest.ts",
    excerpt:
      'if (reader.u16() !== ST_ATTEST_QUOTE) throw new TpmError("ATTEST_TYPE", "not a quote");',
    without: "reader.u16();",
    guards: "another attestation of the key is not taken for a quote",
  },
  "quote-end": {
    file: "tpm/src/attest.ts",
    excerpt: "  reader.end();\n  return attest;",
    without: "  return attest;",
    guards: "a quote is read to its last byte",
  },
  "quote-yes-or-no": {
    file: "tpm/src/attest.ts",
    excerpt: 'if (safe > 1) throw new TpmError("BYTES_RANGE", `yes or no, not ${safe}`);',
    without: "",
    guards: "a quote has one reading",
  },
  "bytes-end": {
    file: "tpm/src/bytes.ts",
    excerpt: "if (this.remaining > 0) {",
    without: "if (false) {",
    guards: "nothing stands behind the last field of a structure",
    tests: [{ file: QUOTE_TEST, title: "a signed quote with bytes behind it" }],
  },
  "bytes-short": {
    file: "tpm/src/bytes.ts",
    excerpt: "if (!Number.isSafeInteger(length) || length < 0 || length > this.remaining) {",
    without: "if (false) {",
    guards: "no length in a message reaches beyond the message",
    tests: [{ file: "tpm/src/bytes.test.ts", title: "bytes out of 2" }],
  },
  "bytes-range": {
    file: "tpm/src/bytes.ts",
    excerpt: "if (value > Number.MAX_SAFE_INTEGER) {",
    without: "if (false) {",
    guards: "a number is the one that was signed, not one close to it",
    tests: [{ file: "tpm/src/bytes.test.ts", title: "reads 2^53-1 and nothing above" }],
  },
  "hash-unknown": {
    file: "tpm/src/hash-algorithm.ts",
    excerpt:
      'if (!algorithm) throw new TpmError("HASH_UNKNOWN", `unknown hash 0x${id.toString(16)}`);\n  return algorithm;',
    without: "return algorithm ?? HASH_ALGORITHMS.sha256;",
    guards: "a hash that is not known is not taken for one that is",
    tests: [
      {
        file: "tpm/src/hash-algorithm.test.ts",
        title: "knows no hash by an id that is not in the table",
      },
    ],
  },
} as const satisfies Checks;
