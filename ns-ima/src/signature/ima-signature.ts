// SPDX-License-Identifier: Apache-2.0

import { Buffer } from "node:buffer";
import { ByteReader } from "@nsattest/tpm";
import { NsImaError } from "../error.ts";

/** The hashes whose signatures count. The kernel knows weaker ones too. */
export type SignatureHash = "sha256" | "sha384" | "sha512";

interface SignatureHeader {
  readonly algorithm: SignatureHash;
  /** Hex: 4 bytes, of version 1 8 bytes. It only helps to find the key: nothing vouches for it. */
  readonly keyId: string;
  readonly value: Uint8Array;
}

/**
 * What a `sig` field or a `security.ima` or `security.evm` attribute holds, by its version:
 * - 1: over the file's digest and `header`, by SHA-1
 * - 2: over the file's content
 * - 3: over kind, algorithm and digest of the file
 *
 * `evm` is over a file's attributes and owner, `verity` over its fs-verity digest, `file` over its content.
 */
export type ImaSignature =
  | (SignatureHeader & { readonly version: 1; readonly kind: "file"; readonly header: Uint8Array })
  | (SignatureHeader & { readonly version: 2; readonly kind: "file" | "evm" })
  | (SignatureHeader & { readonly version: 3; readonly kind: "file" | "evm" | "verity" });

/** First byte of each kind (`enum evm_ima_xattr_type` in integrity.h). */
export const KIND_TYPE = { file: 3, evm: 5, verity: 6 } as const;

/** The kernel's numbers of the hashes (include/uapi/linux/hash_info.h). */
export const HASH_NUMBER: Readonly<Record<SignatureHash, number>> = {
  sha256: 4,
  sha384: 5,
  sha512: 6,
};

/** Numbers of version 1 (`enum digest_algo` in include/linux/digsig.h). */
const V1_ALGORITHM_RSA = 0;
const V1_HASH_SHA256 = 1;
const V1_HEADER_SIZE = 16;
const V1_KEY_ID_SIZE = 8;

/** Largest signature: version 1 with a key of 8,192 bits. */
export const SIGNATURE_SIZE_MAX: number = 1 + V1_HEADER_SIZE + 2 + 1024;

const KINDS = new Map<number, "file" | "evm" | "verity">([
  [KIND_TYPE.file, "file"],
  [KIND_TYPE.evm, "evm"],
  [KIND_TYPE.verity, "verity"],
]);
const HASHES = new Map<number, SignatureHash>(
  (["sha256", "sha384", "sha512"] as const).map((name) => [HASH_NUMBER[name], name]),
);

/**
 * Reads a signature as the kernel does (`struct signature_v2_hdr` in integrity.h, `struct signature_hdr` in digsig.h).
 *
 * Does not check it: see `createKeyring`.
 *
 * @throws NsImaError `SIGNATURE_MALFORMED`; `SIGNATURE_UNSUPPORTED` for one that would prove nothing, such as over SHA-1
 */
export function parseImaSignature(bytes: Uint8Array): ImaSignature {
  if (bytes.length > SIGNATURE_SIZE_MAX) throw malformed(`${bytes.length} bytes`);
  try {
    return read(new ByteReader(bytes));
  } catch (cause) {
    throw cause instanceof NsImaError ? cause : malformed(String(cause), cause);
  }
}

function read(reader: ByteReader): ImaSignature {
  const type = reader.u8();
  const kind = KINDS.get(type);
  if (kind === undefined) throw malformed(`type ${type} is no signature`);
  // Of a copy, for version 1 has no fixed place for anything but its version.
  const version = new ByteReader(reader.rest).u8();
  if (version === 1 && kind === "file") return readVersion1(reader);
  reader.u8();
  if (version === 3) return { version, kind, ...readHeader(reader) };
  if (version === 2 && kind !== "verity") return { version, kind, ...readHeader(reader) };
  throw malformed(`version ${version} of a signature of type ${type}`);
}

function readHeader(reader: ByteReader): SignatureHeader {
  const algorithm = hashNumbered(reader.u8());
  const keyId = hex(reader.bytes(4));
  const value = reader.tpm2b();
  reader.end();
  if (value.length === 0) throw malformed("the signature is empty");
  return { algorithm, keyId, value };
}

function readVersion1(reader: ByteReader): ImaSignature {
  const header = reader.bytes(V1_HEADER_SIZE);
  const bits = reader.u16();
  const value = reader.bytes(Math.ceil(bits / 8));
  reader.end();

  const fields = new ByteReader(header);
  fields.bytes(1 + 4);
  if (fields.u8() !== V1_ALGORITHM_RSA) throw unsupported("version 1 with another key than RSA");
  if (fields.u8() !== V1_HASH_SHA256) throw unsupported("version 1 over another hash than SHA-256");
  const keyId = hex(fields.bytes(V1_KEY_ID_SIZE));
  if (fields.u8() !== 1) throw malformed("version 1 with more than one number");
  return { version: 1, kind: "file", algorithm: "sha256", keyId, value, header };
}

function hashNumbered(number: number): SignatureHash {
  const name = HASHES.get(number);
  if (name === undefined) throw unsupported(`hash ${number}`);
  return name;
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

function malformed(problem: string, cause?: unknown): NsImaError {
  return new NsImaError("SIGNATURE_MALFORMED", `no IMA signature: ${problem}`, { cause });
}

function unsupported(problem: string): NsImaError {
  return new NsImaError("SIGNATURE_UNSUPPORTED", `a signature that proves nothing: ${problem}`);
}
