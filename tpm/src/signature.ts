// SPDX-License-Identifier: Apache-2.0

import { constants, type KeyObject, verify } from "node:crypto";
import { AlgorithmId } from "./algorithm.ts";
import { ByteReader, ByteWriter } from "./bytes.ts";
import { COORDINATE_MAX, CURVES, fullWidth } from "./curve.ts";
import { TpmError } from "./error.ts";
import { HASH_ALGORITHMS, type HashName, hashById } from "./hash-algorithm.ts";
import { type PublicArea, publicKeyOf } from "./public-area.ts";

type RsaSchemeName = "rsassa" | "rsapss";

/** A TPMT_SIGNATURE (TPM 2.0 part 2, 11.3.4) by an RSA, P-256 or P-384 key. */
export type Signature =
  | { readonly scheme: RsaSchemeName; readonly hash: HashName; readonly value: Uint8Array }
  | {
      readonly scheme: "ecdsa";
      readonly hash: HashName;
      readonly r: Uint8Array;
      readonly s: Uint8Array;
    };

/** TPMs differ in how long they make the salt. */
const PADDING = {
  rsassa: { padding: constants.RSA_PKCS1_PADDING },
  rsapss: {
    padding: constants.RSA_PKCS1_PSS_PADDING,
    saltLength: constants.RSA_PSS_SALTLEN_AUTO,
  },
} as const;

/** @throws TpmError `SIGNATURE_MALFORMED` (another scheme, an ECDSA number above 48 bytes), `BYTES_*`, `HASH_UNKNOWN` */
export function parseSignature(bytes: Uint8Array): Signature {
  const reader = new ByteReader(bytes);
  const signature = readSignature(reader);
  reader.end();
  return signature;
}

function readSignature(reader: ByteReader): Signature {
  const scheme = reader.u16();
  const hash = hashById(reader.u16()).name;
  if (scheme === AlgorithmId.RSASSA) return { scheme: "rsassa", hash, value: reader.tpm2b() };
  if (scheme === AlgorithmId.RSAPSS) return { scheme: "rsapss", hash, value: reader.tpm2b() };
  if (scheme !== AlgorithmId.ECDSA) {
    throw new TpmError("SIGNATURE_MALFORMED", `unsupported scheme 0x${scheme.toString(16)}`);
  }
  const r = reader.tpm2b();
  const s = reader.tpm2b();
  if (r.length > COORDINATE_MAX || s.length > COORDINATE_MAX) {
    throw new TpmError(
      "SIGNATURE_MALFORMED",
      `an ECDSA number of more than ${COORDINATE_MAX} bytes`,
    );
  }
  return { scheme: "ecdsa", hash, r, s };
}

/** Inverse of {@link parseSignature}. */
export function encodeSignature(signature: Signature): Uint8Array {
  const writer = new ByteWriter();
  const hash = HASH_ALGORITHMS[signature.hash].id;
  if (signature.scheme === "ecdsa") {
    return writer.u16(AlgorithmId.ECDSA).u16(hash).tpm2b(signature.r).tpm2b(signature.s).finish();
  }
  const scheme = signature.scheme === "rsassa" ? AlgorithmId.RSASSA : AlgorithmId.RSAPSS;
  return writer.u16(scheme).u16(hash).tpm2b(signature.value).finish();
}

/**
 * True when `signature` is one of `message` by `key` and in the scheme and hash fixed in `key`: the signature does not
 * choose how it is checked.
 *
 * @param publicKey `publicKeyOf(key)`, from whoever has it already
 * @throws TpmError `KEY_INVALID`
 */
export function isSignatureOf(
  key: PublicArea,
  message: Uint8Array,
  signature: Signature,
  publicKey: KeyObject = publicKeyOf(key),
): boolean {
  if (key.scheme?.name !== signature.scheme || key.scheme.hash !== signature.hash) return false;
  const hash = HASH_ALGORITHMS[signature.hash].node;
  if (signature.scheme !== "ecdsa") {
    return verify(hash, message, { key: publicKey, ...PADDING[signature.scheme] }, signature.value);
  }
  const size = key.type === "ecc" ? CURVES[key.curve].size : 0;
  const { r, s } = signature;
  if (r.length > size || s.length > size) return false;
  const pair = Buffer.concat([fullWidth(r, size), fullWidth(s, size)]);
  return verify(hash, message, { key: publicKey, dsaEncoding: "ieee-p1363" }, pair);
}
