// SPDX-License-Identifier: Apache-2.0

import { createPublicKey, type KeyObject, type X509Certificate } from "node:crypto";
import { ByteReader, TpmError } from "@nsattest/tpm";
import { RegistrarError } from "../error.ts";
import { certificateParts, readValue, TAG } from "./certificate-parts.ts";

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
  const keyInfo = new ByteReader(certificateParts(der).keyInfo);
  const algorithm = new ByteReader(readValue(keyInfo, TAG.sequence));
  if (!RSAES_OAEP.equals(algorithm.bytes(RSAES_OAEP.length))) {
    throw new TpmError("CERTIFICATE_ENCODING", "an algorithm that OpenSSL should have known");
  }
  const bits = new ByteReader(readValue(keyInfo, TAG.bitString));
  if (bits.u8() !== 0) throw new TpmError("CERTIFICATE_ENCODING", "a key of incomplete octets");
  return bits.rest;
}
