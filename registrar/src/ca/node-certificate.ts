// SPDX-License-Identifier: Apache-2.0

import { X509Certificate } from "node:crypto";
import { peerRoleUri } from "@nsattest/protocol";
import { type CertificateIssuer, signCertificate } from "./certificate.ts";
import { parseTlsKey } from "./tls-key.ts";
import { validityFrom } from "./validity.ts";

export interface NodeCertificateRequest {
  readonly nodeId: string;
  /** SubjectPublicKeyInfo, DER. */
  readonly spki: Uint8Array;
  readonly now: Date;
  readonly hours: number;
}

/**
 * Certifies a node's TLS key for client connections; returns PEM. Never outlives the authority.
 *
 * Does not check that the node is who it says, nor that it holds the key (see `enrol/finish.ts`).
 *
 * @throws RegistrarError `TLS_KEY_UNSUPPORTED`
 */
export function issueNodeCertificate(
  ca: CertificateIssuer,
  { nodeId, spki, now, hours }: NodeCertificateRequest,
): string {
  const { notBefore, notAfter } = validityFrom(now, hours);
  const end = Date.parse(new X509Certificate(ca.certificate).validTo);
  return signCertificate(
    {
      commonName: nodeId,
      publicKey: parseTlsKey(spki),
      notBefore,
      notAfter: new Date(Math.min(notAfter.getTime(), end)),
      authority: false,
      usages: ["clientAuth"],
      uris: [peerRoleUri({ role: "node", id: nodeId })],
      hosts: [],
    },
    ca,
  );
}
