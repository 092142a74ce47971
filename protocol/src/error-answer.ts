// SPDX-License-Identifier: Apache-2.0

import { type JsonValue, objectOf } from "./codec.ts";
import { text } from "./scalar-codec.ts";

/** What an HTTP answer with a status of 400 or more says, as `{error: {code, message}}`. */
export interface ErrorAnswer {
  /** Stable, from docs/errors.md. */
  readonly code: string;
  readonly message: string;
}

const answer = objectOf(
  {
    error: objectOf<ErrorAnswer>(
      { code: text({ pattern: /^[A-Z][A-Z0-9_]{0,63}$/ }), message: text() },
      { open: true },
    ),
  },
  { open: true },
);

/** The JSON value of an error. */
export function encodeErrorAnswer(error: ErrorAnswer): JsonValue {
  return answer.encode({ error });
}

/** @throws ProtocolError `FIELD_*` for the answer of something that is not one of our servers */
export function decodeErrorAnswer(json: unknown): ErrorAnswer {
  return answer.decode(json, "answer").error;
}
