// SPDX-License-Identifier: Apache-2.0

import { createPublicKey, type JsonWebKey, type KeyObject } from "node:crypto";
import { AlgorithmId } from "./algorithm.ts";
import { ByteReader, ByteWriter } from "./bytes.ts";
import { CURVES, type CurveName, curveById, fullWidth } from "./curve.ts";
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

export type SchemeName = "rsassa" | "rsapss" | "ecdsa";

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
  /** 2048, 3072 or 4096. */
  readonly bits: number;
  /** 0 stands for 65537. */
  readonly exponent: number;
  readonly modulus: Uint8Array;
}

export interface EccPublicArea extends KeyArea {
  readonly type: "ecc";
  readonly curve: CurveName;
  /** Coordinates; a TPM may leave leading zeros out. */
  readonly x: Uint8Array;
  readonly y: Uint8Array;
}

/** A TPMT_PUBLIC (TPM 2.0 part 2, 12.2.4) of an RSA, P-256 or P-384 key. */
export type PublicArea = RsaPublicArea | EccPublicArea;

const RSA_BITS: readonly number[] = [2048, 3072, 4096];
const RSA_EXPONENT = 65537;
const EXPONENT_BYTES = new Uint8Array([1, 0, 1]);
const SCHEME_ID: Readonly<Record<SchemeName, number>> = {
  rsassa: AlgorithmId.RSASSA,
  rsapss: AlgorithmId.RSAPSS,
  ecdsa: AlgorithmId.ECDSA,
};
const RSA_SCHEMES: readonly SchemeName[] = ["rsassa", "rsapss"];
const ECC_SCHEMES: readonly SchemeName[] = ["ecdsa"];

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
      ? { type: "rsa", ...common, scheme: readScheme(reader, RSA_SCHEMES), ...readRsa(reader) }
      : { type: "ecc", ...common, scheme: readScheme(reader, ECC_SCHEMES), ...readPoint(reader) };
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
  if (area.type === "rsa") writer.u16(area.bits).u32(area.exponent).tpm2b(area.modulus);
  else writer.u16(CURVES[area.curve].id).u16(AlgorithmId.NULL).tpm2b(area.x).tpm2b(area.y);
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
  const jwk = area.type === "rsa" ? rsaJwk(area) : eccJwk(area);
  try {
    return createPublicKey({ format: "jwk", key: jwk });
  } catch (cause) {
    throw new TpmError("KEY_INVALID", "not a point of the curve", { cause });
  }
}

function rsaJwk(area: RsaPublicArea): JsonWebKey {
  return { kty: "RSA", n: base64url(soundModulus(area)), e: base64url(EXPONENT_BYTES) };
}

function eccJwk({ curve, x, y }: EccPublicArea): JsonWebKey {
  const { size, jwk } = CURVES[curve];
  const [fullX, fullY] = [fullWidth(x, size), fullWidth(y, size)];
  return { kty: "EC", crv: jwk, x: base64url(fullX), y: base64url(fullY) };
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

function readScheme(reader: ByteReader, names: readonly SchemeName[]): SigningScheme | null {
  const id = reader.u16();
  if (id === AlgorithmId.NULL) return null;
  const name = names.find((each) => SCHEME_ID[each] === id);
  if (name === undefined) throw unsupported("signing scheme", id);
  return { name, hash: hashById(reader.u16()).name };
}

function readRsa(reader: ByteReader): Pick<RsaPublicArea, "bits" | "exponent" | "modulus"> {
  const bits = reader.u16();
  if (!RSA_BITS.includes(bits)) throw unsupported("RSA key size", bits);
  const exponent = reader.u32();
  if (exponent !== 0 && exponent !== RSA_EXPONENT) throw unsupported("RSA exponent", exponent);
  const modulus = reader.tpm2b();
  if (modulus.length !== bits / 8) throw unsupported("modulus size", modulus.length);
  return { bits, exponent, modulus };
}

function readPoint(reader: ByteReader): Pick<EccPublicArea, "curve" | "x" | "y"> {
  const id = reader.u16();
  const curve = curveById(id);
  if (curve === null) throw unsupported("curve", id);
  const kdf = reader.u16();
  if (kdf !== AlgorithmId.NULL) throw unsupported("key derivation", kdf);
  const x = reader.tpm2b();
  const y = reader.tpm2b();
  const { size } = CURVES[curve];
  if (x.length > size) throw unsupported("coordinate size", x.length);
  if (y.length > size) throw unsupported("coordinate size", y.length);
  return { curve, x, y };
}

// OpenSSL takes any number for a modulus; an even or short one is no key of a TPM.
function soundModulus({ bits, modulus }: RsaPublicArea): Uint8Array {
  const first = modulus[0] ?? 0;
  const last = modulus[modulus.length - 1] ?? 0;
  if (modulus.length !== bits / 8 || first < 0x80 || last % 2 === 0) {
    throw new TpmError("KEY_INVALID", `not a modulus of ${bits} bits`);
  }
  return modulus;
}

function base64url(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64url");
}

function unsupported(what: string, value: number): TpmError {
  return new TpmError("PUBLIC_AREA", `unsupported ${what} 0x${value.toString(16)}`);
}
