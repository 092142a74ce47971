// SPDX-License-Identifier: Apache-2.0

import { createHash, type KeyObject, X509Certificate } from "node:crypto";
import { ProtocolError, parsePeerRole } from "@nsattest/protocol";

/** What a node's certificate must fit. */
export interface Expected {
  readonly nodeId: string;
  readonly key: KeyObject;
  /** PEM, one certificate or several. */
  readonly ca: string;
}

export interface NodeCertificate {
  readonly pem: string;
  readonly validFrom: Date;
  readonly validTo: Date;
}

const PEM_BLOCK = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/**
 * Reads a certificate if it is for this node and key and an authority of ours issued it; else null. Its time is for the
 * caller to look at.
 */
export function readNodeCertificate(pem: string, expected: Expected): NodeCertificate | null {
  try {
    const certificate = new X509Certificate(pem);
    if (!certificate.checkPrivateKey(expected.key)) return null;
    if (!isNode(certificate, expected.nodeId)) return null;
    const authorities = expected.ca.match(PEM_BLOCK) ?? [];
    if (!authorities.some((authority) => isIssuer(new X509Certificate(authority), certificate))) {
      return null;
    }
    return {
      pem,
      validFrom: new Date(certificate.validFrom),
      validTo: new Date(certificate.validTo),
    };
  } catch {
    // OpenSSL's word for bytes that are no certificate.
    return null;
  }
}

/**
 * By what the registrar knows a certificate that it gave out: SHA-256 (DER, hexadecimal). Null for what is none. It need
 * not be for this node: a key or an id may be new.
 */
export function certificateHash(pem: string): string | null {
  try {
    return createHash("sha256").update(new X509Certificate(pem).raw).digest("hex");
  } catch {
    return null;
  }
}

function isNode(certificate: X509Certificate, nodeId: string): boolean {
  try {
    const role = parsePeerRole(certificate.subjectAltName);
    return role.role === "node" && role.id === nodeId;
  } catch (error) {
    if (error instanceof ProtocolError) return false;
    throw error;
  }
}

function isIssuer(authority: X509Certificate, certificate: X509Certificate): boolean {
  return authority.ca && certificate.verify(authority.publicKey);
}
