// SPDX-License-Identifier: Apache-2.0

import { hash as hashOnce } from "node:crypto";
import { TpmError } from "./error.ts";

/** The hashes a PCR bank, a name or a signature may use here. */
export type HashName = "sha1" | "sha256" | "sha384" | "sha512";

export interface HashAlgorithm {
  readonly name: HashName;
  /** TPM_ALG_ID (TPM 2.0 part 2, table 9). */
  readonly id: number;
  /** Bytes of a digest. */
  readonly size: number;
  /** Name in `node:crypto`. */
  readonly node: string;
}

/** All that is known about hash algorithms. No prototype: a name from outside finds a row or nothing. */
export const HASH_ALGORITHMS: Readonly<Record<HashName, HashAlgorithm>> = Object.freeze(
  Object.assign(
    Object.create(null) as object,
    {
      sha1: { name: "sha1", id: 0x0004, size: 20, node: "sha1" },
      sha256: { name: "sha256", id: 0x000b, size: 32, node: "sha256" },
      sha384: { name: "sha384", id: 0x000c, size: 48, node: "sha384" },
      sha512: { name: "sha512", id: 0x000d, size: 64, node: "sha512" },
    } as const,
  ),
);

const BY_ID: ReadonlyMap<number, HashAlgorithm> = new Map(
  Object.values(HASH_ALGORITHMS).map((algorithm) => [algorithm.id, algorithm]),
);

/** True when `name`, from wherever, names a row of {@link HASH_ALGORITHMS}. */
export function isHashName(name: unknown): name is HashName {
  return typeof name === "string" && name in HASH_ALGORITHMS;
}

/** @throws TpmError `HASH_UNKNOWN` */
export function hashByName(name: string): HashAlgorithm {
  if (!isHashName(name)) throw new TpmError("HASH_UNKNOWN", `unknown hash ${JSON.stringify(name)}`);
  return HASH_ALGORITHMS[name];
}

/** @throws TpmError `HASH_UNKNOWN` */
export function hashById(id: number): HashAlgorithm {
  const algorithm = BY_ID.get(id);
  if (!algorithm) throw new TpmError("HASH_UNKNOWN", `unknown hash 0x${id.toString(16)}`);
  return algorithm;
}

/** Digest of the concatenation of `parts`, in memory of its own. */
export function digest(hash: HashName, ...parts: readonly Uint8Array[]): Uint8Array {
  const [first = new Uint8Array()] = parts;
  const whole = parts.length === 1 ? first : Buffer.concat(parts);
  // By way of a string: asked for bytes, `crypto.hash` takes twice as long.
  const text = hashOnce(HASH_ALGORITHMS[hash].node, whole, "binary");
  const bytes = new Uint8Array(text.length);
  for (let index = 0; index < bytes.length; index++) bytes[index] = text.charCodeAt(index);
  return bytes;
}
