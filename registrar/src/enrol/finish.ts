// SPDX-License-Identifier: Apache-2.0

import { createHash, type KeyObject, timingSafeEqual, verify, X509Certificate } from "node:crypto";
import { type EnrolFinish, type EnrolResult, enrolmentProof } from "@nsattest/protocol";
import { issueNodeCertificate } from "../ca/node-certificate.ts";
import { parseTlsKey } from "../ca/tls-key.ts";
import { RegistrarError } from "../error.ts";
import type { EnrolmentDesk } from "./enrolment-desk.ts";
import type { PendingEnrolment } from "./pending-enrolments.ts";

export interface FinishedEnrolment {
  readonly node: PendingEnrolment;
  readonly result: EnrolResult;
}

/**
 * Second half of an enrolment: whoever read the secret has the TPM, whoever signs with the TLS key has that, and the
 * proof ties them together. Records the node's AK and certifies its TLS key.
 *
 * The first enrolment under an id binds the id to the EK. The same EK may enrol again, with another AK as well, which
 * then replaces the older one; nothing is forgotten. Who came with a token is only noted, until an operator approves it.
 *
 * @throws RegistrarError `ENROLMENT_UNKNOWN`, `ENROLMENT_EXPIRED`, `ENROLMENT_PROOF`, `ENROLMENT_POSSESSION`,
 *   `ENROLMENT_UNAPPROVED`, `NODE_ID_TAKEN`, `NODE_CLONED`, `STORE_FAILED`
 */
export function finishEnrolment(desk: EnrolmentDesk, request: EnrolFinish): FinishedEnrolment {
  const now = desk.now();
  const node = desk.pending.take(request.enrolmentId, now);
  if (!isSame(enrolmentProof(node.credential, node.tlsKey), request.proof)) {
    throw new RegistrarError("ENROLMENT_PROOF", "the TPM did not open the credential for this key");
  }
  if (!isSignature(parseTlsKey(node.tlsKey), request.enrolmentId, request.possession)) {
    throw new RegistrarError("ENROLMENT_POSSESSION", "not signed with the TLS key");
  }
  const { nodeId, ekHash, akPublic, admitted, tlsKey } = node;
  if (admitted.unapproved !== null) {
    desk.store.useToken(admitted.unapproved, ekHash, nodeId);
    throw new RegistrarError("ENROLMENT_UNAPPROVED", `EK ${ekHash} of ${nodeId} is not approved`);
  }
  const certificate = issueNodeCertificate(desk.ca, {
    nodeId,
    spki: tlsKey,
    now,
    hours: desk.certificateHours,
  });
  desk.store.enrol({
    id: nodeId,
    ekHash,
    akPublic,
    admittedBy: admitted.by,
    ekCertificate: admitted.ekCertificate,
    tlsCertificate: certificate,
    certificateHash: hashOf(certificate),
    previousHash: node.previousCertificate,
    enrolledAt: now,
  });
  return { node, result: { certificate, ca: desk.ca.certificate } };
}

function hashOf(pem: string): string {
  return createHash("sha256").update(new X509Certificate(pem).raw).digest("hex");
}

function isSame(expected: Uint8Array, given: Uint8Array): boolean {
  return expected.length === given.length && timingSafeEqual(expected, given);
}

function isSignature(key: KeyObject, text: string, signature: Uint8Array): boolean {
  return verify("sha256", Buffer.from(text), key, signature);
}
