// SPDX-License-Identifier: Apache-2.0

/** Why a message was refused. Callers branch on the code, never on the text. */
export type ProtocolErrorCode =
  /** More bytes than `limits.ts` allows for this message. */
  | "MESSAGE_TOO_LARGE"
  /** Bytes that are not one whole CBOR item. */
  | "CBOR_MALFORMED"
  /** CBOR with what no message here uses: a tag, a float, a negative number, an indefinite length, `undefined`. */
  | "CBOR_FORBIDDEN"
  /** CBOR that is nested too deeply or has too many items. */
  | "CBOR_LIMIT"
  /** CBOR that says the same in other bytes than we write, such as a duplicate key or a number that is too wide. */
  | "CBOR_NOT_STRICT"
  /** Not JSON, or not UTF-8. */
  | "JSON_MALFORMED"
  /** A field has the wrong type or an impossible value; the message names the field. */
  | "FIELD_INVALID"
  /** A field is absent; the message names it. */
  | "FIELD_MISSING"
  /** A field that the message does not have; the message names it. */
  | "FIELD_UNKNOWN"
  /** A frame that declares no bytes. */
  | "FRAME_EMPTY"
  /** A frame that declares more bytes than its socket carries. */
  | "FRAME_TOO_LARGE"
  /** The stream ended within a frame. */
  | "FRAME_TRUNCATED"
  /** A message of another version of the protocol. */
  | "VERSION_UNSUPPORTED"
  /** A certificate that names no role, several, or a malformed one. */
  | "PEER_ROLE";

/** The only error that leaves this package. */
export class ProtocolError extends Error {
  override readonly name = "ProtocolError";
  readonly code: ProtocolErrorCode;

  constructor(code: ProtocolErrorCode, message: string, options: ErrorOptions = {}) {
    super(message, options);
    this.code = code;
  }
}
