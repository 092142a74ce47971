// SPDX-License-Identifier: Apache-2.0

import { Buffer } from "node:buffer";
import { hash, type KeyObject } from "node:crypto";
import { ByteReader, ByteWriter } from "@nsattest/tpm";
import type { Curve } from "./ecdsa-verifier.ts";

/** A public key that may sign files. Made once, for making one costs more than using it. */
export type VerificationKey = RsaKey | EcKey;

interface KeyNames {
  readonly object: KeyObject;
  /** SHA-256 of its SubjectPublicKeyInfo, in hex: the one name that nobody else's key has. */
  readonly fingerprint: string;
  /** By which signatures of version 2 and 3 name it: 4 bytes in hex. Easily the same for two keys. */
  readonly id: string;
}

export interface RsaKey extends KeyNames {
  readonly type: "rsa";
  /** Bytes of the modulus, and of every signature. */
  readonly size: number;
  /** By which signatures of version 1 name it: 8 bytes in hex. */
  readonly version1Id: string;
}

export interface EcKey extends KeyNames {
  readonly type: "ec";
  readonly curve: Curve;
  /** Uncompressed: 04, X, Y. */
  readonly point: Uint8Array;
}

export const RSA_BITS_MIN = 2048;
export const RSA_BITS_MAX = 8192;
const RSA_EXPONENT_MAX = 0xffffffffn;

const CURVES: ReadonlyMap<string, Curve> = new Map([
  ["prime256v1", "P-256"],
  ["secp384r1", "P-384"],
  ["secp521r1", "P-521"],
]);

/**
 * `object` as a key for files, under `id` or else the one that the kernel's tools compute: the last 4 bytes of the SHA-1
 * of the public key alone (evmctl, `calc_keyid_v2`).
 *
 * @throws Error saying why it may not sign files
 */
export function verificationKey(object: KeyObject, id?: string): VerificationKey {
  const fingerprint = hash("sha256", object.export({ format: "der", type: "spki" }));
  const { asymmetricKeyType: type, asymmetricKeyDetails: details = {} } = object;
  if (type === "rsa") {
    const { modulusLength: bits = 0, publicExponent: exponent = 0n } = details;
    if (bits < RSA_BITS_MIN || bits > RSA_BITS_MAX) {
      throw new Error(`an RSA key of ${bits} bits, not of ${RSA_BITS_MIN} to ${RSA_BITS_MAX}`);
    }
    if (exponent < 3n || exponent % 2n === 0n || exponent > RSA_EXPONENT_MAX) {
      throw new Error(`an RSA key with the exponent ${exponent}`);
    }
    return {
      type,
      object,
      fingerprint,
      id: id ?? keyId(object.export({ format: "der", type: "pkcs1" })),
      size: Math.ceil(bits / 8),
      version1Id: version1Id(object),
    };
  }
  const curve = CURVES.get(details.namedCurve ?? "");
  if (type !== "ec" || curve === undefined) {
    throw new Error(`neither an RSA key nor one on P-256, P-384 or P-521: ${type}`);
  }
  const point = pointOf(object);
  return { type, object, fingerprint, id: id ?? keyId(point), curve, point };
}

function keyId(publicKey: Uint8Array): string {
  return hash("sha1", publicKey).slice(-8);
}

/** evmctl, `calc_keyid_v1`: SHA-1 over version, time, algorithm, count of numbers, and the numbers with their bits. */
function version1Id(object: KeyObject): string {
  const { n = "", e = "" } = object.export({ format: "jwk" });
  const writer = new ByteWriter().u8(1).u32(0).u8(0).u8(2);
  for (const number of [n, e].map((text) => Buffer.from(text, "base64url"))) {
    writer.u16(bitsOf(number)).bytes(number);
  }
  return hash("sha1", writer.finish()).slice(-16);
}

/** Bits of a big-endian number whose first byte is not zero. */
function bitsOf(number: Uint8Array): number {
  return number.length * 8 - (Math.clz32(new ByteReader(number).u8()) - 24);
}

function pointOf(object: KeyObject): Uint8Array {
  const { x = "", y = "" } = object.export({ format: "jwk" });
  return Buffer.concat([Buffer.of(4), Buffer.from(x, "base64url"), Buffer.from(y, "base64url")]);
}
