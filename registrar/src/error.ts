// SPDX-License-Identifier: Apache-2.0

/**
 * Why the registrar refused something. Callers branch on the code, never on the text.
 * The HTTP status of each code is in `refusal.ts`.
 */
export type RegistrarErrorCode =
  // Starting
  /** The configuration file cannot be read or used; `problems` says where. */
  | "CONFIG_INVALID"
  /** A host of the server certificates is neither an IP address nor a DNS name. */
  | "HOST_INVALID"
  /** The folder of the authority exists and is not empty: nothing is ever overwritten. */
  | "CA_EXISTS"
  /** The folder of the authority cannot be made. */
  | "CA_UNWRITABLE"
  /** A file of the authority is missing, unreadable or not what its name says. */
  | "CA_UNREADABLE"
  /** Keys and certificates of the authority do not belong together. */
  | "CA_MISMATCH"
  /** A certificate of the authority is expired or not yet valid. */
  | "CA_EXPIRED"
  /** A file or folder of EK issuers cannot be read, or holds no certificate where one is expected. */
  | "EK_TRUST_UNREADABLE"
  /** The database cannot be opened, was written by a newer version, or failed. */
  | "STORE_FAILED"
  /** The address cannot be listened on. */
  | "LISTEN_FAILED"
  // Who is let in
  /** No way in is open for this EK: it has no certificate, its hash is not registered, and no token came with it. */
  | "EK_NOT_REGISTERED"
  /** The EK was admitted for another node id. */
  | "EK_NODE_MISMATCH"
  /** No such token. */
  | "JOIN_TOKEN_INVALID"
  | "JOIN_TOKEN_EXPIRED"
  /** Another TPM, or the same one under another id, has used the token. */
  | "JOIN_TOKEN_USED"
  /** The token was good and the TPM has proven itself; an operator has to approve the node. */
  | "ENROLMENT_UNAPPROVED"
  /** Two machines renew one node's certificates: one is a copy of the other. */
  | "NODE_CLONED"
  // Commands of an operator's
  /** No such node, EK or application. */
  | "SUBJECT_UNKNOWN"
  /** An EK's hash or a node's id of a command is none. */
  | "SUBJECT_INVALID"
  // The EK and its certificate
  /** No root is configured, so nobody enrols. */
  | "EK_NO_ROOTS"
  /** Not one DER certificate, or one whose key cannot be read. */
  | "EK_CERT_MALFORMED"
  | "EK_CERT_EXPIRED"
  | "EK_CERT_NOT_YET_VALID"
  /** Not a certificate for an endorsement key, or one of an authority. */
  | "EK_CERT_USAGE"
  /** No configured certificate issued it, directly or through intermediates. */
  | "EK_CERT_UNKNOWN_ISSUER"
  /** Its signature is not by the key of the issuer it names. */
  | "EK_CERT_SIGNATURE"
  /** The issuer it names may not issue certificates. */
  | "EK_ISSUER_NOT_CA"
  /** More authorities are below the issuer than it may have. */
  | "EK_ISSUER_PATH_LENGTH"
  /** The certificate or one above it has a critical extension that is not understood. */
  | "EK_CERT_EXTENSION"
  | "EK_ISSUER_EXPIRED"
  | "EK_ISSUER_NOT_YET_VALID"
  /** More issuers, or more certificates of the same name, than are followed. */
  | "EK_CHAIN_TOO_LONG"
  /** The certificate is for another key than the EK. */
  | "EK_CERT_KEY_MISMATCH"
  /** The EK is not the restricted storage key of one of the TCG's templates. */
  | "EK_TEMPLATE"
  /** The AK could sign what its TPM did not state; the cause says why. */
  | "AK_REFUSED"
  // Enrolment
  /** Not RSA of 2048 to 4096 bits in its one encoding. */
  | "TLS_KEY_UNSUPPORTED"
  /** The node's id belongs to another TPM: one that enrolled under it, or the one whose hash it is. */
  | "NODE_ID_TAKEN"
  /** Too many enrolments are under way. */
  | "ENROLMENT_BUSY"
  /** No such enrolment: never started, finished before, or given up. */
  | "ENROLMENT_UNKNOWN"
  | "ENROLMENT_EXPIRED"
  /** The TPM that should have opened the credential did not, or not for this TLS key. */
  | "ENROLMENT_PROOF"
  /** Whoever finishes does not hold the TLS key. */
  | "ENROLMENT_POSSESSION"
  // Requests
  /** The request's form is wrong; where it comes from a library below, its error is the cause. */
  | "REQUEST_INVALID"
  /** No certificate of this authority, or not one whose role may do this. */
  | "ACCESS_DENIED"
  | "NOT_FOUND"
  /** A fault of the registrar; the log has more. */
  | "INTERNAL";

export interface RegistrarErrorOptions {
  readonly cause?: unknown;
  /** Every problem of a document, in its order, for people. */
  readonly problems?: readonly string[];
}

/** The only error that leaves this package for what comes from outside. */
export class RegistrarError extends Error {
  override readonly name = "RegistrarError";
  readonly code: RegistrarErrorCode;
  /** Empty unless a whole document was checked. */
  readonly problems: readonly string[];

  constructor(code: RegistrarErrorCode, message: string, options: RegistrarErrorOptions = {}) {
    super(message, options);
    this.code = code;
    this.problems = options.problems ?? [];
  }
}
