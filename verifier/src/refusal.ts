// SPDX-License-Identifier: Apache-2.0

import { type ErrorAnswer, ProtocolError } from "@nsattest/protocol";
import { VerifierError, type VerifierErrorCode } from "./error.ts";

/** An error as a client is told of it. */
export interface HttpRefusal extends ErrorAnswer {
  readonly status: number;
}

/** HTTP status of the codes that a client may be told; all others are faults of ours. */
const STATUS: Partial<Readonly<Record<VerifierErrorCode, number>>> = {
  ACCESS_DENIED: 403,
  NOT_FOUND: 404,
  NODE_UNKNOWN: 404,
  NAMESPACE_UNKNOWN: 404,
  CHALLENGE_UNKNOWN: 409,
  EVIDENCE_OFFSET: 409,
  BUNDLE_TOO_LARGE: 409,
  REGISTRAR_UNAVAILABLE: 503,
};
/** Of evidence whose form is good, but which does not prove what it says. */
export const NOT_PROVEN = 422;
const MESSAGE_MAX = 500;
const UNPRINTABLE = /[^ -~]/g;

/** What to answer for anything that was thrown. Faults of ours say only that they are. */
export function refusalOf(error: unknown): HttpRefusal {
  const { status, code, message } = classify(error);
  return { status, code, message: printable(message) };
}

/** Printable ASCII of limited length: messages may quote what a peer sent. */
export function printable(message: string): string {
  return message.replaceAll(UNPRINTABLE, "?").substring(0, MESSAGE_MAX);
}

function classify(error: unknown): HttpRefusal {
  if (error instanceof VerifierError) {
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
  return { status: 500, code: "INTERNAL", message: "the verifier failed; its log has more" };
}

/** Status of what fastify finds wrong with a request: its body's size, type or syntax, or its URL. */
function requestFault(error: unknown): number | null {
  const status = error instanceof Error && "statusCode" in error ? error.statusCode : null;
  return typeof status === "number" && status >= 400 && status < 500 ? status : null;
}
