// SPDX-License-Identifier: Apache-2.0

import { createPublicKey, type KeyObject, type X509Certificate } from "node:crypto";
import { ByteReader, TpmError } from "@nsattest/tpm";
import { RegistrarError } from "../error.ts";

const TAG = { integer: 0x02, bitString: 0x03, sequence: 0x30, version: 0xa0 } as const;
/** AlgorithmIdentifier content begins with this for id-RSAES-OAEP, 1.2.840.113549.1.1.7 (RFC 8017, A.2.1). */
const RSAES_OAEP = Buffer.from("06092a864886f70d010107", "hex");

/**
 * The key a certificate is about.
 *
 * Some TPM vendors certify their RSA keys as RSAES-OAEP keys, which OpenSSL does not load; the bits are those of any
 * RSA key, so they are taken from the certificate by hand.
 *
 * @throws RegistrarError `EK_CERT_MALFORMED`
 */
export function certificateKey(certificate: X509Certificate): KeyObject {
  try {
    return certificate.publicKey;
  } catch {
    try {
      const key = Buffer.from(oaepKey(certificate.raw));
      return createPublicKey({ key, type: "pkcs1", format: "der" });
    } catch (cause) {
      throw new RegistrarError("EK_CERT_MALFORMED", "the certificate's key cannot be read", {
        cause,
      });
    }
  }
}

/** RSAPublicKey of a certificate (RFC 5280, 4.1) whose key is of type RSAES-OAEP. */
function oaepKey(der: Uint8Array): Uint8Array {
  const certificate = new ByteReader(readValue(new ByteReader(der), TAG.sequence));
  const body = new ByteReader(readValue(certificate, TAG.sequence));
  if (body.rest[0] === TAG.version) readValue(body, TAG.version);
  readValue(body, TAG.integer); // serialNumber
  readValue(body, TAG.sequence); // signature
  readValue(body, TAG.sequence); // issuer
  readValue(body, TAG.sequence); // validity
  readValue(body, TAG.sequence); // subject
  const keyInfo = new ByteReader(readValue(body, TAG.sequence));
  const algorithm = new ByteReader(readValue(keyInfo, TAG.sequence));
  if (!RSAES_OAEP.equals(algorithm.bytes(RSAES_OAEP.length))) {
    throw new TpmError("CERTIFICATE_ENCODING", "an algorithm that OpenSSL should have known");
  }
  const bits = new ByteReader(readValue(keyInfo, TAG.bitString));
  if (bits.u8() !== 0) throw new TpmError("CERTIFICATE_ENCODING", "a key of incomplete octets");
  return bits.rest;
}

/** Content of the next DER element, which must have this tag. */
function readValue(reader: ByteReader, tag: number): Uint8Array {
  if (reader.u8() !== tag) throw new TpmError("CERTIFICATE_ENCODING", `no DER element ${tag}`);
  const first = reader.u8();
  if (first < 0x80) return reader.bytes(first);
  return reader.bytes(first === 0x81 ? reader.u8() : reader.u16());
}
