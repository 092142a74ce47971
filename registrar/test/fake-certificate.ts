// SPDX-License-Identifier: Apache-2.0

import { createPublicKey, type KeyObject, randomBytes } from "node:crypto";
import forge from "node-forge";

/** What a certificate of a test says. */
export interface FakeContent {
  readonly commonName: string;
  /** RSA. */
  readonly publicKey: KeyObject;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly authority: boolean;
  /** Authorities that may be below it; null for as many as there are. */
  readonly pathLength: number | null;
  /** Key usages by forge's names; none for a certificate that does not say. */
  readonly keyUsages: readonly string[];
  /** Extended key usages: forge's names or dotted OIDs. */
  readonly usages: readonly string[];
  /** Dotted OIDs of further extensions, all critical. */
  readonly critical: readonly string[];
}

/** Signs a certificate with forge alone, so that the code under test has no part in it: by `issuer`, or by itself. PEM. */
export function signFakeCertificate(content: FakeContent, key: KeyObject, issuer?: string): string {
  const certificate = forge.pki.createCertificate();
  const { publicKey } = content;
  const spki = publicKey.type === "private" ? createPublicKey(publicKey) : publicKey;
  certificate.publicKey = forge.pki.publicKeyFromPem(
    spki.export({ type: "spki", format: "pem" }).toString(),
  );
  certificate.serialNumber = `40${randomBytes(8).toString("hex")}`;
  certificate.validity.notBefore = content.notBefore;
  certificate.validity.notAfter = content.notAfter;
  certificate.setSubject([{ name: "commonName", value: content.commonName }]);
  const parent = issuer === undefined ? certificate : forge.pki.certificateFromPem(issuer);
  certificate.setIssuer(parent.subject.attributes);
  const { authority, pathLength, keyUsages, usages, critical } = content;
  certificate.setExtensions([
    {
      name: "basicConstraints",
      cA: authority,
      critical: true,
      ...(pathLength === null ? {} : { pathLenConstraint: pathLength }),
    },
    ...(keyUsages.length === 0 ? [] : [{ name: "keyUsage", critical: true, ...flags(keyUsages) }]),
    ...(usages.length === 0 ? [] : [{ name: "extKeyUsage", ...flags(usages) }]),
    { name: "subjectKeyIdentifier" },
    {
      name: "authorityKeyIdentifier",
      keyIdentifier: parent.generateSubjectKeyIdentifier().getBytes(),
    },
    ...critical.map((id) => ({ id, critical: true, value: NULL })),
  ]);
  certificate.sign(
    forge.pki.privateKeyFromPem(key.export({ type: "pkcs1", format: "pem" }).toString()),
    forge.md.sha256.create(),
  );
  return forge.pki.certificateToPem(certificate);
}

/** DER of NULL. */
const NULL = "\x05\x00";

function flags(names: readonly string[]): Record<string, boolean> {
  return Object.fromEntries(names.map((name) => [name, true]));
}
