// SPDX-License-Identifier: Apache-2.0

import { createPublicKey, type KeyObject } from "node:crypto";
import { AlgorithmId } from "./algorithm.ts";
import { ByteReader, ByteWriter } from "./bytes.ts";
import { TpmError } from "./error.ts";
import { digest, HASH_ALGORITHMS, type HashName, hashById } from "./hash-algorithm.ts";

/** Bits of TPMA_OBJECT (TPM 2.0 part 2, 8.3). */
export const ObjectAttribute = {
  fixedTPM: 0x0000_0002,
  fixedParent: 0x0000_0010,
  sensitiveDataOrigin: 0x0000_0020,
  userWithAuth: 0x0000_0040,
  adminWithPolicy: 0x0000_0080,
  restricted: 0x0001_0000,
  decrypt: 0x0002_0000,
  sign: 0x0004_0000,
} as const;

export type SchemeName = "rsassa" | "ecdsa";

/** How a key signs. */
export interface SigningScheme {
  readonly name: SchemeName;
  readonly hash: HashName;
}

interface KeyArea {
  readonly nameAlg: HashName;
  /** See {@link ObjectAttribute}. */
  readonly attributes: number;
  readonly authPolicy: Uint8Array;
  /** Key bits of the AES-CFB with which a storage key protects its children; 0 for a key that is no parent. */
  readonly symmetricBits: number;
  /** Null for a key that leaves the scheme to its user or cannot sign. */
  readonly scheme: SigningScheme | null;
}

export interface RsaPublicArea extends KeyArea {
  readonly type: "rsa";
  /** 0 stands for 65537. */
  readonly exponent: number;
  readonly modulus: Uint8Array;
}

export interface EccPublicArea extends KeyArea {
  readonly type: "ecc";
  /** Coordinates; a TPM may leave leading zeros out. */
  readonly x: Uint8Array;
  readonly y: Uint8Array;
}

/** A TPMT_PUBLIC (TPM 2.0 part 2, 12.2.4) of an RSA-2048 or P-256 key. */
export type PublicArea = RsaPublicArea | EccPublicArea;

const RSA_BITS = 2048;
const RSA_EXPONENT = 65537;
const CURVE_P256 = 0x0003;
/** Bytes of a P-256 coordinate. */
export const COORDINATE_SIZE = 32;
const SCHEME_ID: Readonly<Record<SchemeName, number>> = {
  rsassa: AlgorithmId.RSASSA,
  ecdsa: AlgorithmId.ECDSA,
};

/**
 * Parses one TPMT_PUBLIC, without the size that precedes it in a TPM2B_PUBLIC.
 *
 * Does not check that the key is a sound one (see {@link publicKeyOf}) nor what it may be used for
 * (see assertAttestationKey).
 *
 * @throws TpmError `BYTES_SHORT`, `BYTES_TRAILING`, `HASH_UNKNOWN`, `PUBLIC_AREA` (any other type, size or scheme)
 */
export function parsePublicArea(bytes: Uint8Array): PublicArea {
  const reader = new ByteReader(bytes);
  const type = reader.u16();
  if (type !== AlgorithmId.RSA && type !== AlgorithmId.ECC) throw unsupported("key type", type);
  const nameAlg = hashById(reader.u16()).name;
  const attributes = reader.u32();
  const authPolicy = reader.tpm2b();
  if (authPolicy.length !== 0 && authPolicy.length !== HASH_ALGORITHMS[nameAlg].size) {
    throw unsupported("authPolicy size", authPolicy.length);
  }
  const symmetricBits = readSymmetric(reader);
  const common = { nameAlg, attributes, authPolicy, symmetricBits };
  const area: PublicArea =
    type === AlgorithmId.RSA
      ? { type: "rsa", ...common, scheme: readScheme(reader, "rsassa"), ...readRsa(reader) }
      : { type: "ecc", ...common, scheme: readScheme(reader, "ecdsa"), ...readP256(reader) };
  reader.end();
  return area;
}

/** Inverse of {@link parsePublicArea}; also writes templates, whose modulus may be empty. */
export function encodePublicArea(area: PublicArea): Uint8Array {
  const writer = new ByteWriter()
    .u16(area.type === "rsa" ? AlgorithmId.RSA : AlgorithmId.ECC)
    .u16(HASH_ALGORITHMS[area.nameAlg].id)
    .u32(area.attributes)
    .tpm2b(area.authPolicy);
  if (area.symmetricBits === 0) writer.u16(AlgorithmId.NULL);
  else writer.u16(AlgorithmId.AES).u16(area.symmetricBits).u16(AlgorithmId.CFB);
  if (area.scheme === null) writer.u16(AlgorithmId.NULL);
  else writer.u16(SCHEME_ID[area.scheme.name]).u16(HASH_ALGORITHMS[area.scheme.hash].id);
  if (area.type === "rsa") writer.u16(RSA_BITS).u32(area.exponent).tpm2b(area.modulus);
  else writer.u16(CURVE_P256).u16(AlgorithmId.NULL).tpm2b(area.x).tpm2b(area.y);
  return writer.finish();
}

/**
 * Name of an object: its nameAlg and the digest of its public area (TPM 2.0 part 1, 16).
 *
 * @throws TpmError as {@link parsePublicArea}: a name is only given to bytes that are one public area
 */
export function publicAreaName(bytes: Uint8Array): Uint8Array {
  const { nameAlg } = parsePublicArea(bytes);
  return new ByteWriter().u16(HASH_ALGORITHMS[nameAlg].id).bytes(digest(nameAlg, bytes)).finish();
}

/**
 * The key for `node:crypto`.
 *
 * @throws TpmError `KEY_INVALID` for a modulus that is even or not of full length, and for a point off the curve
 */
export function publicKeyOf(area: PublicArea): KeyObject {
  const jwk =
    area.type === "rsa"
      ? { kty: "RSA", n: base64url(soundModulus(area)), e: base64url(exponentBytes()) }
      : {
          kty: "EC",
          crv: "P-256",
          x: base64url(fullWidth(area.x)),
          y: base64url(fullWidth(area.y)),
        };
  try {
    return createPublicKey({ format: "jwk", key: jwk });
  } catch (cause) {
    throw new TpmError("KEY_INVALID", "not a point of P-256", { cause });
  }
}

/** `coordinate` with its leading zeros: as JWK and MakeCredential need it. */
export function fullWidth(coordinate: Uint8Array): Uint8Array {
  const padded = new Uint8Array(COORDINATE_SIZE);
  padded.set(coordinate, COORDINATE_SIZE - coordinate.length);
  return padded;
}

function readSymmetric(reader: ByteReader): number {
  const algorithm = reader.u16();
  if (algorithm === AlgorithmId.NULL) return 0;
  if (algorithm !== AlgorithmId.AES) throw unsupported("symmetric algorithm", algorithm);
  const bits = reader.u16();
  if (bits !== 128 && bits !== 256) throw unsupported("AES key size", bits);
  const mode = reader.u16();
  if (mode !== AlgorithmId.CFB) throw unsupported("symmetric mode", mode);
  return bits;
}

function readScheme(reader: ByteReader, name: SchemeName): SigningScheme | null {
  const id = reader.u16();
  if (id === AlgorithmId.NULL) return null;
  if (id !== SCHEME_ID[name]) throw unsupported("signing scheme", id);
  return { name, hash: hashById(reader.u16()).name };
}

function readRsa(reader: ByteReader): { exponent: number; modulus: Uint8Array } {
  const bits = reader.u16();
  if (bits !== RSA_BITS) throw unsupported("RSA key size", bits);
  const exponent = reader.u32();
  if (exponent !== 0 && exponent !== RSA_EXPONENT) throw unsupported("RSA exponent", exponent);
  const modulus = reader.tpm2b();
  if (modulus.length !== RSA_BITS / 8) throw unsupported("modulus size", modulus.length);
  return { exponent, modulus };
}

function readP256(reader: ByteReader): { x: Uint8Array; y: Uint8Array } {
  const curve = reader.u16();
  if (curve !== CURVE_P256) throw unsupported("curve", curve);
  const kdf = reader.u16();
  if (kdf !== AlgorithmId.NULL) throw unsupported("key derivation", kdf);
  const x = reader.tpm2b();
  const y = reader.tpm2b();
  if (x.length > COORDINATE_SIZE) throw unsupported("coordinate size", x.length);
  if (y.length > COORDINATE_SIZE) throw unsupported("coordinate size", y.length);
  return { x, y };
}

// OpenSSL takes any number for a modulus; an even or short one is no key of a TPM.
function soundModulus({ modulus }: RsaPublicArea): Uint8Array {
  const first = modulus[0] ?? 0;
  const last = modulus[modulus.length - 1] ?? 0;
  if (modulus.length !== RSA_BITS / 8 || first < 0x80 || last % 2 === 0) {
    throw new TpmError("KEY_INVALID", "not a modulus of 2048 bits");
  }
  return modulus;
}

function exponentBytes(): Uint8Array {
  return new Uint8Array([1, 0, 1]);
}

function base64url(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64url");
}

function unsupported(what: string, value: number): TpmError {
  return new TpmError("PUBLIC_AREA", `unsupported ${what} 0x${value.toString(16)}`);
}
