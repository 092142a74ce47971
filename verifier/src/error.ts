// SPDX-License-Identifier: Apache-2.0

/**
 * Why the verifier refused something. Callers branch on the code, never on the text.
 * The HTTP status of each code is in `refusal.ts`; the reasons of a verdict are in `verdict/reason.ts`.
 */
export type VerifierErrorCode =
  // Starting
  /** The configuration file cannot be read or used; `problems` says where. */
  | "CONFIG_INVALID"
  /** A policy file is missing or wrong; `problems` says which and where. */
  | "POLICY_INVALID"
  /** The database cannot be opened, was written by another version, or failed. */
  | "STORE_FAILED"
  /** The address cannot be listened on. */
  | "LISTEN_FAILED"
  // Requests: these change no verdict
  /** The request's form is wrong, for HTTP; a wrong message has a code of the protocol's. */
  | "REQUEST_INVALID"
  /** No certificate of this authority, or not one whose role may do this. */
  | "ACCESS_DENIED"
  | "NOT_FOUND"
  /** Neither the registrar nor this verifier knows such a node. */
  | "NODE_UNKNOWN"
  /** The registrar did not answer, or not in its own words. */
  | "REGISTRAR_UNAVAILABLE"
  /** The nonce was not given to this node, was used before, or is too old. */
  | "CHALLENGE_UNKNOWN"
  /** List or log do not begin where the verifier's state ends. */
  | "EVIDENCE_OFFSET"
  /** The node has no such namespace in its present boot. */
  | "NAMESPACE_UNKNOWN"
  /** The history of the node's boot does not fit into a bundle. */
  | "BUNDLE_TOO_LARGE"
  /** A fault of the verifier; the log has more. */
  | "INTERNAL"
  // Proofs: these make the node and its namespaces `none` until good evidence arrives
  /** The TPM's clock went backwards within one boot. */
  | "QUOTE_CLOCK"
  /** The node was restarted without a reset of its TPM (kexec, hibernation), or its counts and boot id do not fit. */
  | "ANCHOR_RESTART"
  /** PCR 13 is not what the log leads to: it was extended by somebody else, or the log was changed. */
  | "ANCHOR_FOREIGN_EXTEND"
  /** The log of what was booted is none. */
  | "BOOT_LOG_MALFORMED"
  /** The log of what was booted does not lead to the quoted PCRs. */
  | "BOOT_LOG_MISMATCH"
  /** The log does not begin with an event of the boot that was quoted. */
  | "EVIDENCE_OTHER_BOOT"
  // Stored histories, checked where there is no verifier: these prove nothing
  /** There is no round in it. */
  | "HISTORY_EMPTY"
  /** It is of another attestation key than the pinned one. */
  | "AK_MISMATCH"
  /** The documents of a policy are missing, or are not those whose digest its version is. */
  | "POLICY_ALTERED"
  /** A round is of another boot than the one before it. */
  | "ROUND_OTHER_BOOT"
  /** What was stored of a verdict is not what the evidence leads to. */
  | "STANDING_DIFFERS";

export interface VerifierErrorOptions extends ErrorOptions {
  /** Every fault of a document, in its order, for people. */
  readonly problems?: readonly string[];
}

/** The only error this package throws on purpose. */
export class VerifierError extends Error {
  override readonly name = "VerifierError";
  readonly code: VerifierErrorCode;
  /** Empty unless a whole document was checked. */
  readonly problems: readonly string[];

  constructor(code: VerifierErrorCode, message: string, options: VerifierErrorOptions = {}) {
    super(message, options);
    this.code = code;
    this.problems = options.problems ?? [];
  }
}
