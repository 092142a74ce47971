// SPDX-License-Identifier: Apache-2.0

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { QuoteInput } from "@nsattest/tpm";

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
  const folder = join(root, "tpm/test/vectors");
  const names = readdirSync(folder).filter((name) => /^quote-.*\.json$/.test(name));
  return names.sort().map((name) => {
    const fields = readJson(folder, name) as Readonly<Record<string, string>>;
    const bytes = (field: string): Uint8Array => hex(fields[field] ?? "");
    const kept = [10, 13].filter((index) => fields[`pcr${index}`] !== undefined);
    const pcrs = kept.map(
      (index) => ({ bank: "sha256", index, value: bytes(`pcr${index}`) }) as const,
    );
    return {
      akPublic: bytes("akPublic"),
      attest: bytes("attest"),
      signature: bytes("signature"),
      nonce: bytes("nonce"),
      selection: [{ bank: "sha256", pcrs: kept.length > 0 ? kept : [10] }],
      pcrs,
    };
  });
}

/** Bytes of a text. */
export function utf8(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text));
}

/** The JSON of `value` as bytes. */
export function json(value: unknown): Uint8Array {
  return utf8(JSON.stringify(value));
}
