// SPDX-License-Identifier: Apache-2.0

import { hash } from "node:crypto";
import { readFileSync } from "node:fs";
import { parsePublicArea, TpmError } from "@nsattest/tpm";
import { CliError } from "./error.ts";

const DIGEST = /^sha256:[0-9a-f]{64}$/;
/** A TPM's name of a key whose name algorithm is SHA-256: the algorithm and the digest of the TPMT_PUBLIC. */
const NAME = /^000b([0-9a-f]{64})$/;
const SIZE_BYTES = 2;

/**
 * `sha256:` and the digest of a key's TPMT_PUBLIC, of what a person names it by: that digest, the TPM's name, or a file
 * of the TPMT_PUBLIC or TPM2B_PUBLIC, as tpm2_readpublic writes them.
 *
 * @throws CliError `FILE` for a file that cannot be read or is no key
 */
export function keyPin(text: string): string {
  if (DIGEST.test(text)) return text;
  const name = NAME.exec(text)?.[1];
  return name === undefined ? `sha256:${hash("sha256", readKey(text))}` : `sha256:${name}`;
}

function readKey(file: string): Uint8Array {
  try {
    const bytes = readFileSync(file);
    const sized = bytes.length > SIZE_BYTES && bytes.readUInt16BE(0) === bytes.length - SIZE_BYTES;
    const area = sized ? bytes.subarray(SIZE_BYTES) : bytes;
    parsePublicArea(area);
    return area;
  } catch (cause) {
    const why = cause instanceof TpmError ? "it is no public area of a TPM key" : String(cause);
    throw new CliError("FILE", `cannot use ${file} as a key: ${why}`, { cause });
  }
}
