// SPDX-License-Identifier: Apache-2.0

import { ByteReader, ByteWriter } from "../bytes.ts";
import { TpmError } from "../error.ts";
import { describeResponseCode } from "./response-code.ts";

/** Largest command or response of a PC client TPM, and of the kernel's device. */
export const MAX_MESSAGE_SIZE = 4096;

/** Handles that every TPM has (TPM 2.0 part 2, 7.4). */
export const Handle = {
  NULL: 0x4000_0007,
  PASSWORD: 0x4000_0009,
  ENDORSEMENT: 0x4000_000b,
} as const;

/** A command as bytes, with the only decoder that fits its answer. */
export interface TpmCommand<Result> {
  readonly name: string;
  readonly bytes: Uint8Array;
  /**
   * Decodes the TPM's answer, which is not trusted: it is consumed exactly or refused.
   *
   * Views into `response` may be handed out.
   *
   * @throws TpmError `RESPONSE_CODE` (the TPM refused; its code is in `responseCode`), `RESPONSE_MALFORMED`, `BYTES_*`,
   *   and what the structures in it throw
   */
  decode(response: Uint8Array): Result;
}

/** How a command proves that it may use a handle: the empty password, or a policy session that ends with the command. */
export type Authorization =
  | { readonly kind: "password" }
  | { readonly kind: "policy"; readonly session: number };

/** The empty password. */
export const EMPTY_PASSWORD: Authorization = { kind: "password" };

/** What {@link defineCommand} needs to know about a command. */
export interface CommandLayout<Result> {
  readonly name: string;
  /** TPM_CC (TPM 2.0 part 2, 6.5.2). */
  readonly code: number;
  readonly handles?: readonly number[];
  /** In the order of the handles that need one. */
  readonly authorizations?: readonly Authorization[];
  readonly parameters?: (writer: ByteWriter) => void;
  /** True when the answer starts with a handle. */
  readonly returnsHandle?: boolean;
  /** Reads the response's parameters; bytes left over are refused. `handle` is 0 unless `returnsHandle`. */
  readonly result: (parameters: ByteReader, handle: number) => Result;
}

const ST_NO_SESSIONS = 0x8001;
const ST_SESSIONS = 0x8002;
const HEADER_SIZE = 10;
const RC_SUCCESS = 0;

/**
 * Encodes a command and ties the decoder of its response to it.
 *
 * @throws TpmError `BYTES_RANGE` for a command of more than 4096 bytes
 */
export function defineCommand<Result>(layout: CommandLayout<Result>): TpmCommand<Result> {
  return {
    name: layout.name,
    bytes: encode(layout),
    decode: (response) => decode(layout, response),
  };
}

function encode(layout: CommandLayout<unknown>): Uint8Array {
  const body = new ByteWriter();
  for (const handle of layout.handles ?? []) body.u32(handle);
  const authorizations = (layout.authorizations ?? []).map(encodeAuthorization);
  if (authorizations.length > 0) {
    body.u32(authorizations.reduce((size, entry) => size + entry.length, 0));
    for (const entry of authorizations) body.bytes(entry);
  }
  layout.parameters?.(body);
  const size = HEADER_SIZE + body.offset;
  if (size > MAX_MESSAGE_SIZE) throw new TpmError("BYTES_RANGE", `a command of ${size} bytes`);
  return new ByteWriter()
    .u16(authorizations.length > 0 ? ST_SESSIONS : ST_NO_SESSIONS)
    .u32(size)
    .u32(layout.code)
    .bytes(body.finish())
    .finish();
}

function encodeAuthorization(authorization: Authorization): Uint8Array {
  const session = authorization.kind === "password" ? Handle.PASSWORD : authorization.session;
  // No nonce, no continueSession, no HMAC.
  return new ByteWriter().u32(session).u16(0).u8(0).u16(0).finish();
}

function decode<Result>(layout: CommandLayout<Result>, response: Uint8Array): Result {
  const reader = new ByteReader(response);
  const tag = reader.u16();
  const size = reader.u32();
  const code = reader.u32();
  if (size !== response.length || size > MAX_MESSAGE_SIZE) throw malformed(layout, "size");
  if (code !== RC_SUCCESS) {
    throw new TpmError("RESPONSE_CODE", `${layout.name}: ${describeResponseCode(code)}`, {
      responseCode: code,
    });
  }
  const sessions = layout.authorizations?.length ?? 0;
  if (tag !== (sessions > 0 ? ST_SESSIONS : ST_NO_SESSIONS)) throw malformed(layout, "tag");
  const handle = layout.returnsHandle ? reader.u32() : 0;
  const parameters = new ByteReader(reader.bytes(sessions > 0 ? reader.u32() : reader.remaining));
  const result = layout.result(parameters, handle);
  parameters.end();
  for (let index = 0; index < sessions; index++) skipAuthorization(reader);
  reader.end();
  return result;
}

// Neither a password nor a policy session without a key proves anything about the answer.
function skipAuthorization(reader: ByteReader): void {
  reader.tpm2b();
  reader.u8();
  reader.tpm2b();
}

function malformed(layout: CommandLayout<unknown>, what: string): TpmError {
  return new TpmError("RESPONSE_MALFORMED", `${layout.name}: wrong ${what} in the response`);
}

/**
 * Size in the header of an answer that may not be complete yet, for transports that have to cut a stream; null while
 * the header itself is incomplete.
 *
 * @throws TpmError `RESPONSE_MALFORMED` for a size that no answer has
 */
export function responseSize(bytes: Uint8Array): number | null {
  if (bytes.length < HEADER_SIZE) return null;
  const reader = new ByteReader(bytes);
  reader.u16();
  const size = reader.u32();
  if (size < HEADER_SIZE || size > MAX_MESSAGE_SIZE) {
    throw new TpmError("RESPONSE_MALFORMED", `a response of ${size} bytes`);
  }
  return size;
}
