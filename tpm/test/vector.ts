// SPDX-License-Identifier: Apache-2.0

import { readFileSync } from "node:fs";

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

export function hex(digits: string): Uint8Array {
  return new Uint8Array(Buffer.from(digits.replaceAll(/\s/g, ""), "hex"));
}
