// SPDX-License-Identifier: Apache-2.0

/** Why this package refused something. Callers branch on the code, never on the text. */
export type NsImaErrorCode =
  // Measurement list
  /** A record does not begin with a PCR number: a wrong offset, or no list. */
  | "LIST_PCR"
  /** A record begins with a big-endian PCR number: the host's kernel needs `ima_canonical_fmt`. */
  | "LIST_BIG_ENDIAN"
  /** A record's template is none of those that are pinned, or a pinned one is no template. */
  | "LIST_TEMPLATE_UNSUPPORTED"
  /** A record's data is not what its template says. */
  | "LIST_TEMPLATE_FIELDS"
  /** No prefix leads to the quoted value, and a record's data does not have the digest that the list gives for it. */
  | "LIST_TEMPLATE_DIGEST"
  /** A record declares a longer name or more data than `limits.ts` allows. */
  | "LIST_LIMIT"
  /** A record was extended into a PCR that is not pinned. */
  | "LIST_PCR_UNSUPPORTED"
  /** No prefix leads to the quoted values, and the list does not begin with `boot_aggregate`: its head was deleted. */
  | "LIST_HEAD_MISSING"
  /** No prefix leads to the quoted values, and the list begins anew where it should go on. */
  | "LIST_SHRANK"
  /** No prefix of the list leads from the state's values to the quoted ones. */
  | "LIST_REPLAY_MISMATCH"
  // Namespace log
  /** A record's tag or salt does not have 32 bytes. */
  | "LOG_RECORD"
  /** A batch without records. */
  | "LOG_BATCH_EMPTY"
  /** The batches do not lead from the state's value of the anchor PCR to the quoted one. */
  | "LOG_REPLAY_MISMATCH"
  /** The anchor PCR was not zero before the log's first event. */
  | "ANCHOR_BASELINE"
  /** The log does not begin with a `boot` event, or has a second one. */
  | "LOG_BOOT"
  /** A namespace was opened with a tag that another one has. */
  | "LOG_TAG_REUSED"
  /** A record does not have the tag of its event's namespace. */
  | "LOG_TAG_FOREIGN"
  /** An event of a namespace that was not opened before it. */
  | "LOG_NAMESPACE_UNKNOWN"
  /** A namespace was opened twice. */
  | "LOG_NAMESPACE_REOPENED"
  // Join
  /** A mark, or the length of the list at attach, beyond the end of the list. */
  | "MARK_BEYOND_LIST"
  /** A mark below an earlier one, or below the length of the list at attach. */
  | "MARK_DECREASES"
  // Signatures
  /** The bytes are no IMA signature. */
  | "SIGNATURE_MALFORMED"
  /** A signature of a form, hash or key that proves nothing here. */
  | "SIGNATURE_UNSUPPORTED"
  /** Not a keyring, or one with a key that may not sign files; `problems` says where. */
  | "KEYRING_MALFORMED"
  // Policy
  /** Not a Keylime runtime policy; `problems` says where. */
  | "POLICY_MALFORMED"
  /** The policy asks for something that is not evaluated; `problems` says what. */
  | "POLICY_UNSUPPORTED"
  /** The policy lists no SHA-256 digest and has no key, so nothing could ever be allowed by it. */
  | "POLICY_EMPTY"
  /** An exclude is no regular expression, matches every path, or is too large; `problems` says which. */
  | "POLICY_PATTERN";

export interface NsImaErrorOptions {
  readonly cause?: unknown;
  /** Every problem of a document, in its order, for people. */
  readonly problems?: readonly string[];
}

/** The only error that leaves this package. */
export class NsImaError extends Error {
  override readonly name = "NsImaError";
  readonly code: NsImaErrorCode;
  /** Empty unless a whole document was checked. */
  readonly problems: readonly string[];

  constructor(code: NsImaErrorCode, message: string, options: NsImaErrorOptions = {}) {
    super(message, options);
    this.code = code;
    this.problems = options.problems ?? [];
  }
}
