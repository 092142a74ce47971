// SPDX-License-Identifier: Apache-2.0

import { ProtocolError } from "./error.ts";
import { JSON_MAX } from "./limits.ts";

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Parses JSON from untrusted bytes. What it holds is for a message's `decode` to check; of duplicate keys the last one
 * counts, as everywhere in JavaScript.
 *
 * @throws ProtocolError `MESSAGE_TOO_LARGE`, `JSON_MALFORMED`
 */
export function parseJson(bytes: Uint8Array, maxBytes: number = JSON_MAX): unknown {
  if (bytes.length > maxBytes) {
    throw new ProtocolError("MESSAGE_TOO_LARGE", `${bytes.length} bytes, ${maxBytes} allowed`);
  }
  try {
    return JSON.parse(utf8.decode(bytes));
  } catch (cause) {
    throw new ProtocolError("JSON_MALFORMED", "not JSON in UTF-8", { cause });
  }
}
