// SPDX-License-Identifier: Apache-2.0

import { type ErrorAnswer, ProtocolError } from "@nsattest/protocol";
import { RegistrarError, type RegistrarErrorCode } from "./error.ts";

/** An error as a client is told of it. */
export interface HttpRefusal extends ErrorAnswer {
  readonly status: number;
}

/** HTTP status of the codes that a client may be told; all others are faults of ours. */
const STATUS: Partial<Readonly<Record<RegistrarErrorCode, number>>> = {
  REQUEST_INVALID: 400,
  TLS_KEY_UNSUPPORTED: 400,
  ACCESS_DENIED: 403,
  EK_NOT_REGISTERED: 403,
  EK_NODE_MISMATCH: 403,
  JOIN_TOKEN_INVALID: 403,
  JOIN_TOKEN_EXPIRED: 403,
  JOIN_TOKEN_USED: 403,
  ENROLMENT_UNAPPROVED: 403,
  NODE_CLONED: 409,
  EK_NO_ROOTS: 403,
  EK_CERT_MALFORMED: 403,
  EK_CERT_EXPIRED: 403,
  EK_CERT_EXTENSION: 403,
  EK_CERT_NOT_YET_VALID: 403,
  EK_CERT_USAGE: 403,
  EK_CERT_UNKNOWN_ISSUER: 403,
  EK_CERT_SIGNATURE: 403,
  EK_CERT_KEY_MISMATCH: 403,
  EK_CHAIN_TOO_LONG: 403,
  EK_ISSUER_NOT_CA: 403,
  EK_ISSUER_EXPIRED: 403,
  EK_ISSUER_NOT_YET_VALID: 403,
  EK_ISSUER_PATH_LENGTH: 403,
  EK_TEMPLATE: 403,
  AK_REFUSED: 403,
  ENROLMENT_PROOF: 403,
  ENROLMENT_POSSESSION: 403,
  NOT_FOUND: 404,
  NODE_ID_TAKEN: 409,
  ENROLMENT_UNKNOWN: 410,
  ENROLMENT_EXPIRED: 410,
  ENROLMENT_BUSY: 503,
};
const MESSAGE_MAX = 500;
const UNPRINTABLE = /[^ -~]/g;

/**
 * What to answer for anything that was thrown. Faults of ours say only that they are; messages hold printable ASCII,
 * for some quote a certificate.
 */
export function refusalOf(error: unknown): HttpRefusal {
  const { status, code, message } = classify(error);
  return { status, code, message: message.replaceAll(UNPRINTABLE, "?").substring(0, MESSAGE_MAX) };
}

function classify(error: unknown): HttpRefusal {
  if (error instanceof RegistrarError) {
    const status = STATUS[error.code];
    if (status !== undefined) return { status, code: error.code, message: error.message };
  }
  if (error instanceof ProtocolError) {
    return { status: 400, code: error.code, message: error.message };
  }
  const status = requestFault(error);
  if (status !== null) {
    return { status, code: "REQUEST_INVALID", message: (error as Error).message };
  }
  return { status: 500, code: "INTERNAL", message: "the registrar failed; its log has more" };
}

/** Status of what fastify finds wrong with a request: its body's size, type or syntax, or its URL. */
function requestFault(error: unknown): number | null {
  const status = error instanceof Error && "statusCode" in error ? error.statusCode : null;
  return typeof status === "number" && status >= 400 && status < 500 ? status : null;
}
