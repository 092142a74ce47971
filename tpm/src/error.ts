// SPDX-License-Identifier: Apache-2.0

/**
 * What can go wrong with TPM bytes. Callers branch on the code, never on the text.
 *
 * - `BYTES_*`: a structure is too short, has bytes left over, or holds a number out of range
 * - `HASH_UNKNOWN`, `PCR_*`: an algorithm we do not know; a selection or a set of values that is not well formed
 * - `PUBLIC_AREA`, `KEY_INVALID`, `AK_ATTRIBUTES`: a key we cannot read, use or accept
 * - `ATTEST_*`, `SIGNATURE_MALFORMED`, `QUOTE_*`: a quote that does not prove what was asked
 * - `EVENT_LOG`: what the firmware is said to have written is no log that could be replayed
 * - `CREDENTIAL`, `CERTIFICATE_ENCODING`: enrolment
 * - `RESPONSE_MALFORMED`, `RESPONSE_CODE`: a TPM's answer that is not one, or that says no (see `responseCode`)
 * - `DEVICE_*`, `PCRS_MOVING`: the way to the TPM
 */
export type TpmErrorCode =
  | "BYTES_SHORT"
  | "BYTES_TRAILING"
  | "BYTES_RANGE"
  | "HASH_UNKNOWN"
  | "PCR_SELECTION"
  | "PCR_VALUES"
  | "PUBLIC_AREA"
  | "KEY_INVALID"
  | "AK_ATTRIBUTES"
  | "ATTEST_MAGIC"
  | "ATTEST_TYPE"
  | "SIGNATURE_MALFORMED"
  | "QUOTE_NONCE"
  | "QUOTE_SELECTION"
  | "QUOTE_PCR_DIGEST"
  | "QUOTE_SIGNATURE"
  | "EVENT_LOG"
  | "CREDENTIAL"
  | "CERTIFICATE_ENCODING"
  | "RESPONSE_MALFORMED"
  | "RESPONSE_CODE"
  | "DEVICE_IO"
  | "DEVICE_CLOSED"
  | "PCRS_MOVING";

export interface TpmErrorOptions extends ErrorOptions {
  /** The TPM's own code, with `RESPONSE_CODE` only. */
  readonly responseCode?: number;
}

/** The only error this package throws for bad input. */
export class TpmError extends Error {
  override readonly name = "TpmError";
  readonly code: TpmErrorCode;
  /** The TPM's own code when `code` is `RESPONSE_CODE`, else undefined. */
  readonly responseCode: number | undefined;

  constructor(code: TpmErrorCode, message: string, options: TpmErrorOptions = {}) {
    super(message, options);
    this.code = code;
    this.responseCode = options.responseCode;
  }
}
