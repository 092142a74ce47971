// SPDX-License-Identifier: Apache-2.0

/**
 * What can go wrong between this node and the services it reports to. Callers branch on the code, never on the text.
 *
 * - `HTTPS_URL`: not an https URL
 * - `HTTPS_UNREACHABLE`: no connection, or it broke
 * - `HTTPS_UNTRUSTED`: who answers has no certificate of our authority, or one of another host or role
 * - `HTTPS_TIMEOUT`, `HTTPS_ANSWER_TOO_LARGE`, `HTTPS_ANSWER_MALFORMED`: an answer too late, too long or not JSON
 * - `HTTPS_REFUSED`: the service said no; `refusal` says how
 * - `MONITOR_UNREACHABLE`, `MONITOR_REFUSED`: the monitor of this node does not answer, or says no
 * - `ATTESTER_CONFIG`: a configuration file that cannot be used
 * - `ENROL_FILE`: a file of the enrolment cannot be read or written
 * - `ENROL_CERTIFICATE`: the registrar certified something else than was asked for
 */
export type AttesterErrorCode =
  | "HTTPS_URL"
  | "HTTPS_UNREACHABLE"
  | "HTTPS_UNTRUSTED"
  | "HTTPS_TIMEOUT"
  | "HTTPS_ANSWER_TOO_LARGE"
  | "HTTPS_ANSWER_MALFORMED"
  | "HTTPS_REFUSED"
  | "MONITOR_UNREACHABLE"
  | "MONITOR_REFUSED"
  | "ATTESTER_CONFIG"
  | "ENROL_FILE"
  | "ENROL_CERTIFICATE";

/** A service's answer that is not a success. */
export interface Refusal {
  /** HTTP status. */
  readonly status: number;
  /** The service's own code, or null when it gave none. */
  readonly code: string | null;
}

export interface AttesterErrorOptions extends ErrorOptions {
  readonly refusal?: Refusal;
}

/** The only error the attester throws for what comes from outside. */
export class AttesterError extends Error {
  override readonly name = "AttesterError";
  readonly code: AttesterErrorCode;
  /** With `HTTPS_REFUSED` only, else null. */
  readonly refusal: Refusal | null;

  constructor(code: AttesterErrorCode, message: string, options: AttesterErrorOptions = {}) {
    super(message, options);
    this.code = code;
    this.refusal = options.refusal ?? null;
  }
}
