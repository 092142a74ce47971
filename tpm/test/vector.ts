// SPDX-License-Identifier: Apache-2.0

import { readFileSync } from "node:fs";
import type { HashName } from "../src/hash-algorithm.ts";
import type { QuoteInput } from "../src/quote.ts";

const FILES = { p256: "quote-p256.json", rsa: "quote-rsa2048.json" } as const;

/** A quote captured from a TPM; `source` in its file says which. */
export interface QuoteVector {
  readonly nonce: Uint8Array;
  readonly attest: Uint8Array;
  readonly signature: Uint8Array;
  readonly akPublic: Uint8Array;
  /** By index, as far as they were kept. */
  readonly pcrs: readonly { readonly index: number; readonly value: Uint8Array }[];
}

export function readQuoteVector(name: keyof typeof FILES): QuoteVector {
  const text = readFileSync(new URL(`vectors/${FILES[name]}`, import.meta.url), "utf8");
  const fields = JSON.parse(text) as Readonly<Record<string, string>>;
  const bytes = (field: string) => hex(fields[field] ?? "");
  const pcrs = [10, 13].filter((index) => fields[`pcr${index}`] !== undefined);
  return {
    nonce: bytes("nonce"),
    attest: bytes("attest"),
    signature: bytes("signature"),
    akPublic: bytes("akPublic"),
    pcrs: pcrs.map((index) => ({ index, value: bytes(`pcr${index}`) })),
  };
}

/** A quote that a TPM made, with all that was quoted. */
export interface NamedQuote extends QuoteInput {
  /** `<key>-<scheme>-<hash>` */
  readonly name: string;
}

/** One quote for each kind of key, scheme and hash: see vectors/make-quotes.sh. */
export function readQuotes(): readonly NamedQuote[] {
  const text = readFileSync(new URL("vectors/quotes.json", import.meta.url), "utf8");
  const { quotes } = JSON.parse(text) as { quotes: QuoteText[] };
  return quotes.map(({ name, pcrs, nonce, attest, signature, akPublic }) => {
    const values = pcrs.map((pcr) => ({ ...pcr, value: hex(pcr.value) }));
    const banks = [...new Set(values.map(({ bank }) => bank))];
    return {
      name,
      nonce: hex(nonce),
      attest: hex(attest),
      signature: hex(signature),
      akPublic: hex(akPublic),
      selection: banks.map((bank) => ({
        bank,
        pcrs: values.filter((value) => value.bank === bank).map(({ index }) => index),
      })),
      pcrs: values,
    };
  });
}

interface QuoteText {
  readonly name: string;
  readonly nonce: string;
  readonly attest: string;
  readonly signature: string;
  readonly akPublic: string;
  readonly pcrs: readonly {
    readonly bank: HashName;
    readonly index: number;
    readonly value: string;
  }[];
}

export function hex(digits: string): Uint8Array {
  return new Uint8Array(Buffer.from(digits.replaceAll(/\s/g, ""), "hex"));
}
