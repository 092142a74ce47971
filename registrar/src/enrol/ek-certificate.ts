// SPDX-License-Identifier: Apache-2.0

import { type KeyObject, X509Certificate } from "node:crypto";
import { trimCertificate } from "@nsattest/tpm";
import { RegistrarError } from "../error.ts";
import { certificateKey } from "./certificate-key.ts";
import { verifyEkChain } from "./ek-chain.ts";
import type { EkTrust } from "./ek-trust.ts";

/** tcg-kp-EKCertificate (TCG EK Credential Profile, 3.2.16). */
const EK_CERTIFICATE_USAGE = "2.23.133.8.1";

/**
 * Checks that somebody in `trust` says at `now` that `key` is the endorsement key of a TPM. Returns the certificate
 * without the padding it may have had in the TPM.
 *
 * Does not check which vendor, model or firmware the certificate names, nor that anybody has that TPM at hand.
 *
 * @throws RegistrarError `EK_CERT_MALFORMED`, `EK_CERT_USAGE`, `EK_CERT_EXPIRED`,
 *   `EK_CERT_NOT_YET_VALID`, `EK_CERT_KEY_MISMATCH`, and those of `verifyEkChain`
 */
export function verifyEkCertificate(
  bytes: Uint8Array,
  key: KeyObject,
  trust: EkTrust,
  now: Date,
): Uint8Array {
  const certificate = parse(bytes);
  verifyEkChain(certificate, trust, now);
  // A vendor's authority may certify more than endorsement keys. Whoever holds the private key of something else could
  // open any credential without a TPM, so the certificate must say what it is for.
  if (certificate.ca || !certificate.keyUsage?.includes(EK_CERTIFICATE_USAGE)) {
    throw new RegistrarError("EK_CERT_USAGE", "not a certificate of an endorsement key");
  }
  if (now < new Date(certificate.validFrom)) {
    throw new RegistrarError("EK_CERT_NOT_YET_VALID", "the EK certificate is not yet valid");
  }
  if (now > new Date(certificate.validTo)) {
    throw new RegistrarError("EK_CERT_EXPIRED", "the EK certificate is expired");
  }
  if (!certificateKey(certificate).equals(key)) {
    throw new RegistrarError("EK_CERT_KEY_MISMATCH", "the EK certificate is for another key");
  }
  return certificate.raw;
}

function parse(bytes: Uint8Array): X509Certificate {
  try {
    return new X509Certificate(trimCertificate(bytes));
  } catch (cause) {
    throw new RegistrarError("EK_CERT_MALFORMED", "the EK certificate cannot be read", { cause });
  }
}
