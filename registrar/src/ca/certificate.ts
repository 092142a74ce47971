// SPDX-License-Identifier: Apache-2.0

import { createPublicKey, type KeyObject, randomBytes } from "node:crypto";
import { isIP } from "node:net";
import forge from "node-forge";

/** A certificate and the key it is about. */
export interface CertificateIssuer {
  /** PEM. */
  readonly certificate: string;
  readonly key: KeyObject;
}

/** What a certificate says. */
export interface CertificateContent {
  readonly commonName: string;
  /** RSA. */
  readonly publicKey: KeyObject;
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** May issue certificates, but none that may. */
  readonly authority: boolean;
  /** Extended key usages: forge's names (`serverAuth`) or dotted OIDs. */
  readonly usages: readonly string[];
  /** URI subject alternative names. */
  readonly uris: readonly string[];
  /** DNS names and IP addresses. */
  readonly hosts: readonly string[];
}

const SERIAL_BYTES = 16;
/** GeneralName tags (RFC 5280, 4.2.1.6). */
const GENERAL_NAME = { dns: 2, uri: 6, ip: 7 } as const;

/**
 * Signs a certificate with SHA-256 and PKCS #1 v1.5: by `issuer`, or by `content.publicKey`'s own private key when
 * `issuer` is a bare key. Returns PEM.
 *
 * Only signs: whether the content should be certified is for the caller to have decided. Forge reads nothing from
 * outside here: the issuer's certificate is our own, and `publicKey` has been parsed by node:crypto.
 */
export function signCertificate(
  content: CertificateContent,
  issuer: CertificateIssuer | KeyObject,
): string {
  const certificate = forge.pki.createCertificate();
  certificate.publicKey = forgePublicKey(content.publicKey);
  certificate.serialNumber = serialNumber();
  certificate.validity.notBefore = content.notBefore;
  certificate.validity.notAfter = content.notAfter;
  certificate.setSubject([{ name: "commonName", value: content.commonName }]);

  const parent =
    "certificate" in issuer ? forge.pki.certificateFromPem(issuer.certificate) : certificate;
  certificate.setIssuer(parent.subject.attributes);
  certificate.setExtensions([
    content.authority
      ? { name: "basicConstraints", cA: true, pathLenConstraint: 0, critical: true }
      : { name: "basicConstraints", cA: false, critical: true },
    content.authority
      ? { name: "keyUsage", keyCertSign: true, cRLSign: true, critical: true }
      : { name: "keyUsage", digitalSignature: true, critical: true },
    { name: "subjectKeyIdentifier" },
    {
      name: "authorityKeyIdentifier",
      keyIdentifier: parent.generateSubjectKeyIdentifier().getBytes(),
    },
    ...usageExtension(content.usages),
    ...alternativeNames(content),
  ]);
  certificate.sign(
    forgePrivateKey("certificate" in issuer ? issuer.key : issuer),
    forge.md.sha256.create(),
  );
  return forge.pki.certificateToPem(certificate).replaceAll("\r\n", "\n");
}

function usageExtension(usages: readonly string[]): object[] {
  if (usages.length === 0) return [];
  return [{ name: "extKeyUsage", ...Object.fromEntries(usages.map((usage) => [usage, true])) }];
}

function alternativeNames({ uris, hosts }: CertificateContent): object[] {
  const names = [
    ...uris.map((value) => ({ type: GENERAL_NAME.uri, value })),
    ...hosts.map((host) =>
      isIP(host) ? { type: GENERAL_NAME.ip, ip: host } : { type: GENERAL_NAME.dns, value: host },
    ),
  ];
  return names.length === 0 ? [] : [{ name: "subjectAltName", altNames: names }];
}

/** Random, positive and without leading zeros, so that every serial has the same length (RFC 5280, 4.1.2.2). */
function serialNumber(): string {
  const [first = 0, ...others] = randomBytes(SERIAL_BYTES);
  return Buffer.from([(first & 0x7f) | 0x40, ...others]).toString("hex");
}

function forgePublicKey(key: KeyObject): forge.pki.PublicKey {
  const publicKey = key.type === "private" ? createPublicKey(key) : key;
  return forge.pki.publicKeyFromPem(publicKey.export({ type: "spki", format: "pem" }).toString());
}

function forgePrivateKey(key: KeyObject): forge.pki.rsa.PrivateKey {
  return forge.pki.privateKeyFromPem(key.export({ type: "pkcs1", format: "pem" }).toString());
}
