// SPDX-License-Identifier: Apache-2.0

import { type KeyObject, timingSafeEqual, verify } from "node:crypto";
import { type EnrolFinish, type EnrolResult, enrolmentProof } from "@nsattest/protocol";
import { issueNodeCertificate } from "../ca/node-certificate.ts";
import { parseTlsKey } from "../ca/tls-key.ts";
import { RegistrarError } from "../error.ts";
import type { EnrolmentDesk } from "./enrolment-desk.ts";
import type { PendingEnrolment } from "./pending-enrolments.ts";

/** A node enrols again, which needs its TPM, well before its certificate ends. */
const CERTIFICATE_DAYS = 90;

export interface FinishedEnrolment {
  readonly node: PendingEnrolment;
  readonly result: EnrolResult;
}

/**
 * Second half of an enrolment: whoever read the secret has the TPM, whoever signs with the TLS key has that, and the
 * proof ties them together. Records the node's AK and certifies its TLS key.
 *
 * The first enrolment under an id binds the id to the EK. The same EK may enrol again, with another AK as well, which
 * then replaces the older one; nothing is forgotten.
 *
 * @throws RegistrarError `ENROLMENT_UNKNOWN`, `ENROLMENT_EXPIRED`, `ENROLMENT_PROOF`, `ENROLMENT_POSSESSION`,
 *   `NODE_ID_TAKEN`, `STORE_FAILED`
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
  const { nodeId, ekHash, akPublic, ekCertificate, tlsKey } = node;
  const certificate = issueNodeCertificate(desk.ca, {
    nodeId,
    spki: tlsKey,
    now,
    days: CERTIFICATE_DAYS,
  });
  desk.store.enrol({
    id: nodeId,
    ekHash,
    akPublic,
    ekCertificate,
    tlsCertificate: certificate,
    enrolledAt: now,
  });
  return { node, result: { certificate, ca: desk.ca.certificate } };
}

function isSame(expected: Uint8Array, given: Uint8Array): boolean {
  return expected.length === given.length && timingSafeEqual(expected, given);
}

function isSignature(key: KeyObject, text: string, signature: Uint8Array): boolean {
  return verify("sha256", Buffer.from(text), key, signature);
}
