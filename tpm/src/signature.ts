// SPDX-License-Identifier: Apache-2.0

import { constants, type KeyObject, verify } from "node:crypto";
import { AlgorithmId } from "./algorithm.ts";
import { ByteReader, ByteWriter } from "./bytes.ts";
import { TpmError } from "./error.ts";
import { HASH_ALGORITHMS, type HashName, hashById } from "./hash-algorithm.ts";
import { COORDINATE_SIZE, fullWidth, type PublicArea, publicKeyOf } from "./public-area.ts";

/** A TPMT_SIGNATURE (TPM 2.0 part 2, 11.3.4) by an RSA-2048 or P-256 key. */
export type Signature =
  | { readonly scheme: "rsassa"; readonly hash: HashName; readonly value: Uint8Array }
  | {
      readonly scheme: "ecdsa";
      readonly hash: HashName;
      readonly r: Uint8Array;
      readonly s: Uint8Array;
    };

/** @throws TpmError `SIGNATURE_MALFORMED` (another scheme, an ECDSA number above 32 bytes), `BYTES_*`, `HASH_UNKNOWN` */
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
  if (scheme !== AlgorithmId.ECDSA) {
    throw new TpmError("SIGNATURE_MALFORMED", `unsupported scheme 0x${scheme.toString(16)}`);
  }
  const r = reader.tpm2b();
  const s = reader.tpm2b();
  if (r.length > COORDINATE_SIZE || s.length > COORDINATE_SIZE) {
    throw new TpmError("SIGNATURE_MALFORMED", "an ECDSA number of more than 32 bytes");
  }
  return { scheme: "ecdsa", hash, r, s };
}

/** Inverse of {@link parseSignature}. */
export function encodeSignature(signature: Signature): Uint8Array {
  const writer = new ByteWriter();
  const hash = HASH_ALGORITHMS[signature.hash].id;
  if (signature.scheme === "rsassa") {
    return writer.u16(AlgorithmId.RSASSA).u16(hash).tpm2b(signature.value).finish();
  }
  return writer.u16(AlgorithmId.ECDSA).u16(hash).tpm2b(signature.r).tpm2b(signature.s).finish();
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
  if (signature.scheme === "rsassa") {
    const rsa = { key: publicKey, padding: constants.RSA_PKCS1_PADDING };
    return verify(hash, message, rsa, signature.value);
  }
  const pair = Buffer.concat([fullWidth(signature.r), fullWidth(signature.s)]);
  return verify(hash, message, { key: publicKey, dsaEncoding: "ieee-p1363" }, pair);
}
