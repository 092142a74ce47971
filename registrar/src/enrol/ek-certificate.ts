// SPDX-License-Identifier: Apache-2.0

import { type KeyObject, X509Certificate } from "node:crypto";
import { splitCertificates, trimCertificate } from "@nsattest/tpm";
import { RegistrarError } from "../error.ts";
import { certificateKey } from "./certificate-key.ts";
import { mayUnwrapSecrets, unknownCriticalExtension } from "./certificate-rules.ts";
import { verifyEkChain } from "./ek-chain.ts";
import type { EkTrust } from "./ek-trust.ts";

/** tcg-kp-EKCertificate (TCG EK Credential Profile, 3.2.16). */
const EK_CERTIFICATE_USAGE = "2.23.133.8.1";
/** Certificates that a node may send along; vendors have two or three. */
const MAX_SENT = 8;

/** What a node shows of its EK. */
export interface EkCredential {
  /** DER, as the TPM holds it (it may be padded). */
  readonly ekCertificate: Uint8Array;
  /** DER of certificates above it, one after the other. Nobody vouches for them but a root. */
  readonly ekChain: Uint8Array;
}

/**
 * Checks that somebody in `trust` says at `now` that `key` is the endorsement key of a TPM. Returns the certificate
 * without the padding it may have had in the TPM.
 *
 * Does not check which vendor, model or firmware the certificate names, nor that anybody has that TPM at hand.
 *
 * @throws RegistrarError `EK_CERT_MALFORMED`, `EK_CERT_USAGE`, `EK_CERT_EXTENSION`, `EK_CERT_EXPIRED`,
 *   `EK_CERT_NOT_YET_VALID`, `EK_CERT_KEY_MISMATCH`, and those of `verifyEkChain`
 */
export function verifyEkCertificate(
  { ekCertificate, ekChain }: EkCredential,
  key: KeyObject,
  { roots, intermediates }: EkTrust,
  now: Date,
): Uint8Array {
  const certificate = readable(() => new X509Certificate(trimCertificate(ekCertificate)));
  const sent = parseChain(ekChain);
  verifyEkChain(certificate, { roots, intermediates: [...intermediates, ...sent] }, now);
  // A vendor's authority may certify more than endorsement keys. Whoever holds the private key of something else could
  // open any credential without a TPM, so the certificate must say what it is for.
  if (certificate.ca || !certificate.keyUsage?.includes(EK_CERTIFICATE_USAGE)) {
    throw new RegistrarError("EK_CERT_USAGE", "not a certificate of an endorsement key");
  }
  if (!mayUnwrapSecrets(certificate, key.asymmetricKeyType === "rsa" ? "rsa" : "ec")) {
    throw new RegistrarError("EK_CERT_USAGE", "the certificate's key usage is not that of an EK");
  }
  const strange = unknownCriticalExtension(certificate);
  if (strange !== null) {
    throw new RegistrarError("EK_CERT_EXTENSION", `critical extension ${strange} is unknown`);
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

function parseChain(bytes: Uint8Array): readonly X509Certificate[] {
  const certificates = readable(() => splitCertificates(bytes));
  if (certificates.length > MAX_SENT) {
    throw new RegistrarError("EK_CHAIN_TOO_LONG", `more than ${MAX_SENT} certificates were sent`);
  }
  return readable(() => certificates.map((certificate) => new X509Certificate(certificate)));
}
function readable<T>(read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw new RegistrarError("EK_CERT_MALFORMED", "the EK certificate cannot be read", { cause });
  }
}
