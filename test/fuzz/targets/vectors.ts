// SPDX-License-Identifier: Apache-2.0

import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { HashName, QuoteInput } from "@nsattest/tpm";

/** Bytes that hexadecimal digits stand for. */
export function hex(digits: string): Uint8Array {
  return new Uint8Array(Buffer.from(digits, "hex"));
}

/** The document in a JSON file of the repository. */
export function readJson(root: string, path: string): unknown {
  return JSON.parse(readFileSync(join(root, path), "utf8"));
}

/** The quotes of tpm/test/vectors: captured, so that they are the same each time. */
export function readQuotes(root: string): QuoteInput[] {
  const { quotes } = readJson(root, "tpm/test/vectors/quotes.json") as { quotes: QuoteText[] };
  return quotes.map(({ akPublic, attest, signature, nonce, pcrs }) => {
    const values = pcrs.map((pcr) => ({ ...pcr, value: hex(pcr.value) }));
    const banks = [...new Set(values.map(({ bank }) => bank))];
    const selection = banks.map((bank) => ({
      bank,
      pcrs: values.filter((value) => value.bank === bank).map(({ index }) => index),
    }));
    return {
      akPublic: hex(akPublic),
      attest: hex(attest),
      signature: hex(signature),
      nonce: hex(nonce),
      selection,
      pcrs: values,
    };
  });
}

interface QuoteText extends Record<"akPublic" | "attest" | "signature" | "nonce", string> {
  readonly pcrs: readonly {
    readonly bank: HashName;
    readonly index: number;
    readonly value: string;
  }[];
}

/** Bytes of a text. */
export function utf8(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text));
}

/** The JSON of `value` as bytes. */
export function json(value: unknown): Uint8Array {
  return utf8(JSON.stringify(value));
}
