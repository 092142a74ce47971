// SPDX-License-Identifier: Apache-2.0

import type { X509Certificate } from "node:crypto";
import { ByteReader, TpmError } from "@nsattest/tpm";
import { RegistrarError } from "../error.ts";
import {
  type CertificateParts,
  certificateParts,
  type Extension,
  readOptional,
  readValue,
  TAG,
} from "./certificate-parts.ts";

/** OBJECT IDENTIFIERs of RFC 5280, 4.2.1, as they are encoded. */
const OID = {
  keyUsage: "551d0f",
  subjectAltName: "551d11",
  basicConstraints: "551d13",
  certificatePolicies: "551d20",
  extendedKeyUsage: "551d25",
} as const;

/**
 * What is looked at, or says nothing that would forbid an EK: no policy is asked for, so any is good, and the
 * alternative name of an EK certificate is its TPM's model. Constraints on names and policies are not among them.
 */
const UNDERSTOOD: ReadonlySet<string> = new Set(Object.values(OID));

/** Bits of KeyUsage (RFC 5280, 4.2.1.3) in the first octet: wrapping a secret for RSA, agreeing on one for curves. */
const KEY_USAGE = { rsa: 0x20, ec: 0x08 } as const;

/**
 * A critical extension that nobody here understands, as hex of its OBJECT IDENTIFIER, or null. Whoever issued such a
 * certificate said that it must not be used then (RFC 5280, 4.2).
 *
 * @throws RegistrarError `EK_CERT_MALFORMED`
 */
export function unknownCriticalExtension(certificate: X509Certificate): string | null {
  const isStrange = ({ oid, critical }: Extension): boolean => critical && !UNDERSTOOD.has(oid);
  return partsOf(certificate).extensions.find(isStrange)?.oid ?? null;
}

/**
 * True when the certificate lets its key do what an EK does (EK Credential Profile, 3.2.15): unwrap secrets with RSA,
 * agree on them on a curve. One that does not say is none of an EK.
 *
 * @throws RegistrarError `EK_CERT_MALFORMED`
 */
export function mayUnwrapSecrets(certificate: X509Certificate, type: "rsa" | "ec"): boolean {
  const usage = find(certificate, OID.keyUsage);
  if (usage === null) return false;
  return readSafely(() => {
    const bits = new ByteReader(readValue(new ByteReader(usage.value), TAG.bitString));
    bits.u8(); // unused bits
    return (bits.u8() & KEY_USAGE[type]) !== 0;
  });
}

/**
 * How many authorities may stand below this one, itself and the certificate at the end not counted (RFC 5280, 4.2.1.9).
 *
 * @throws RegistrarError `EK_CERT_MALFORMED`
 */
export function pathLengthOf(certificate: X509Certificate): number {
  const constraints = find(certificate, OID.basicConstraints);
  if (constraints === null) return Number.POSITIVE_INFINITY;
  return readSafely(() => {
    const fields = new ByteReader(readValue(new ByteReader(constraints.value), TAG.sequence));
    readOptional(fields, TAG.boolean);
    const length = readOptional(fields, TAG.integer);
    // One octet holds more than any chain that is followed.
    return length === null ? Number.POSITIVE_INFINITY : new ByteReader(length).u8();
  });
}

function find(certificate: X509Certificate, oid: string): Extension | null {
  return partsOf(certificate).extensions.find((extension) => extension.oid === oid) ?? null;
}

function partsOf(certificate: X509Certificate): CertificateParts {
  return readSafely(() => certificateParts(certificate.raw));
}

function readSafely<T>(read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (!(cause instanceof TpmError)) throw cause;
    throw new RegistrarError("EK_CERT_MALFORMED", "a certificate cannot be read", { cause });
  }
}
