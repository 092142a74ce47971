// SPDX-License-Identifier: Apache-2.0

import { ByteReader, ByteWriter } from "@nsattest/tpm";
import { ProtocolError } from "./error.ts";
import { encodeFrame } from "./frame.ts";
import { HOOK_ANSWER_MAX, HOOK_REQUEST_MAX } from "./limits.ts";

/** What a hook reports: `open` from createRuntime, `close` from poststop. */
export type HookVerb = "open" | "close";

/** A request on the hook's socket, `u8 verb | state JSON`; the state is not parsed yet. */
export interface HookRequest {
  readonly verb: HookVerb;
  /** The runtime's state JSON as the hook got it: for `parseContainerState`. */
  readonly state: Uint8Array;
}

/** The answer, `u8 status | utf-8 message`: unless it is ok, the hook fails and the runtime shows the message. */
export interface HookAnswer {
  readonly ok: boolean;
  /** One line for a person. */
  readonly message: string;
}

const VERBS: ReadonlyMap<number, HookVerb> = new Map([
  [1, "open"],
  [2, "close"],
]);
const OK = 0;
const REFUSED = 1;
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * The whole frame, length included.
 *
 * @throws ProtocolError `FRAME_TOO_LARGE`
 */
export function encodeHookRequest(request: HookRequest): Uint8Array {
  const code = request.verb === "open" ? 1 : 2;
  const payload = new ByteWriter().u8(code).bytes(request.state).finish();
  return encodeFrame(payload, HOOK_REQUEST_MAX);
}

/**
 * Parses the payload of a frame.
 *
 * @throws ProtocolError `FIELD_MISSING`, `FIELD_INVALID`
 */
export function decodeHookRequest(payload: Uint8Array): HookRequest {
  const [code, state] = split(payload, "verb");
  const verb = VERBS.get(code);
  if (!verb) throw new ProtocolError("FIELD_INVALID", `verb ${code} is unknown`);
  return { verb, state };
}

/** The whole frame, length included; a message that is too long is cut. */
export function encodeHookAnswer(answer: HookAnswer): Uint8Array {
  // Line breaks and the like would forge lines in the runtime's log. A UTF-16 unit takes at most 3 bytes.
  const line = answer.message.replace(/[\p{Cc}\p{Zl}\p{Zp}\p{Surrogate}]/gu, " ");
  const short = line.substring(0, Math.floor(HOOK_ANSWER_MAX / 3) - 1);
  const status = answer.ok ? OK : REFUSED;
  const payload = new ByteWriter().u8(status).bytes(Buffer.from(short)).finish();
  return encodeFrame(payload, HOOK_ANSWER_MAX);
}

/**
 * Parses the payload of a frame.
 *
 * @throws ProtocolError `FIELD_MISSING`, `FIELD_INVALID`
 */
export function decodeHookAnswer(payload: Uint8Array): HookAnswer {
  const [status, message] = split(payload, "status");
  if (status !== OK && status !== REFUSED) {
    throw new ProtocolError("FIELD_INVALID", `status ${status} is unknown`);
  }
  try {
    return { ok: status === OK, message: utf8.decode(message) };
  } catch (cause) {
    throw new ProtocolError("FIELD_INVALID", "message is not UTF-8", { cause });
  }
}

function split(payload: Uint8Array, name: string): readonly [number, Uint8Array] {
  const reader = new ByteReader(payload);
  if (reader.remaining === 0) throw new ProtocolError("FIELD_MISSING", `${name} is missing`);
  return [reader.u8(), reader.rest];
}
