// SPDX-License-Identifier: Apache-2.0

import { createHash, type KeyObject } from "node:crypto";
import type { AdmittedBy, EnrolStart } from "@nsattest/protocol";
import { RegistrarError } from "../error.ts";
import type { Store } from "../store/store.ts";
import { verifyEkCertificate } from "./ek-certificate.ts";
import type { EkTrust } from "./ek-trust.ts";

/** Ways in that the operator has opened. */
export interface WaysIn {
  /** Null when nobody enrols by a certificate. */
  readonly ekCertificate: EkTrust | null;
  readonly ekHash: boolean;
  readonly joinToken: boolean;
}

/** Why a TPM may enrol. */
export interface Admitted {
  readonly by: AdmittedBy;
  /** DER, where it was looked at. */
  readonly ekCertificate: Uint8Array | null;
  /** SHA-256 of the token it came with, when an operator has to approve it yet. */
  readonly unapproved: string | null;
}

export interface Applicant {
  readonly request: EnrolStart;
  readonly ek: KeyObject;
  /** Lower-case hex of the SHA-256 of the EK (SubjectPublicKeyInfo, DER). */
  readonly ekHash: string;
}

/** SHA-256 of a join token, which is all that is kept of it. */
export function joinTokenHash(token: string): string {
  return createHash("sha256").update(token).digest("hex");
}

/**
 * Finds the way in that is open for an EK: its certificate before all else, then what an operator has decided about it,
 * then a token. Whatever a node sends, it can only come in by a way that is open.
 *
 * Does not check that anybody has the EK: that is what activation proves.
 *
 * @throws RegistrarError what is wrong with the certificate or the token; `EK_NOT_REGISTERED`, `EK_NODE_MISMATCH`,
 *   `STORE_FAILED`
 */
export function admit(ways: WaysIn, store: Store, applicant: Applicant, now: Date): Admitted {
  const byCertificate = attemptCertificate(ways.ekCertificate, applicant, now);
  if (byCertificate && !(byCertificate instanceof RegistrarError)) return byCertificate;
  const byOperator = admittedByOperator(ways, store, applicant);
  if (byOperator) return byOperator;
  const { joinToken } = applicant.request;
  if (ways.joinToken && joinToken !== null) {
    return withToken(store, applicant, joinTokenHash(joinToken), now);
  }
  throw byCertificate ?? notRegistered(applicant.ekHash);
}

/** The fault is kept: another way may be open. Null where there is no certificate, or nobody looks at one. */
function attemptCertificate(
  trust: EkTrust | null,
  { request: { ekCertificate, ekChain }, ek }: Applicant,
  now: Date,
): Admitted | RegistrarError | null {
  if (trust === null || ekCertificate === null) return null;
  try {
    const verified = verifyEkCertificate({ ekCertificate, ekChain }, ek, trust, now);
    return { by: "ek-certificate", ekCertificate: verified, unapproved: null };
  } catch (error) {
    if (error instanceof RegistrarError) return error;
    throw error;
  }
}

function admittedByOperator(ways: WaysIn, store: Store, applicant: Applicant): Admitted | null {
  const { ekHash, request } = applicant;
  const admission = store.admissionOf(ekHash);
  if (!admission) return null;
  const isOpen = admission.admittedBy === "ek-hash" ? ways.ekHash : ways.joinToken;
  if (!isOpen) return null;
  if (admission.nodeId !== null && admission.nodeId !== request.nodeId) {
    throw new RegistrarError("EK_NODE_MISMATCH", `EK ${ekHash} was admitted for another node`);
  }
  return { by: admission.admittedBy, ekCertificate: null, unapproved: null };
}

function withToken(
  store: Store,
  { ekHash, request: { nodeId } }: Applicant,
  hash: string,
  now: Date,
): Admitted {
  const token = store.findToken(hash);
  if (!token) throw new RegistrarError("JOIN_TOKEN_INVALID", "no such token was given out");
  if (token.ekHash !== null && (token.ekHash !== ekHash || token.nodeId !== nodeId)) {
    throw new RegistrarError("JOIN_TOKEN_USED", "another TPM or node has used the token");
  }
  // Whoever came in time may wait for its approval.
  if (token.ekHash === null && now >= token.expiresAt) {
    throw new RegistrarError("JOIN_TOKEN_EXPIRED", "the token was not used in time");
  }
  return { by: "join-token", ekCertificate: null, unapproved: hash };
}

function notRegistered(ekHash: string): RegistrarError {
  return new RegistrarError("EK_NOT_REGISTERED", `no way in is open for EK ${ekHash}`);
}
