// SPDX-License-Identifier: Apache-2.0

import { Buffer } from "node:buffer";
import type { BytePath } from "../log/event.ts";

const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

// Everything that is invisible, moves the cursor or looks like a plain space, and the escape character itself.
const NOT_PRINTED = /(?! )[\p{C}\p{Z}\\]/gu;

/** The path with the first `length` of these bytes, without the NUL that ends it in C. */
export function bytePathFromBytes(bytes: Uint8Array, length: number = bytes.length): BytePath {
  return Buffer.from(bytes.buffer, bytes.byteOffset, length).toString("latin1");
}

/** The path whose bytes are the UTF-8 of `text`, as in a policy document. */
export function bytePathFromText(text: string): BytePath {
  return Buffer.from(text, "utf8").toString("latin1");
}

/** The bytes of `path`: inverse of {@link bytePathFromBytes}. */
export function bytePathToBytes(path: BytePath): Uint8Array {
  return Buffer.from(path, "latin1");
}

/**
 * `path` as text for pattern matching: UTF-8, with U+FFFD for what is not. Different paths may give the same text, so
 * never a key.
 */
export function bytePathToText(path: BytePath): string {
  return Buffer.from(path, "latin1").toString("utf8");
}

/** `path` as IMA writes it into its list: a space becomes `_` (`ima_template_lib.c`, `ima_write_template_field_data`). */
export function imaPath(path: BytePath): BytePath {
  return path.replaceAll(" ", "_");
}

/**
 * `path` for people: UTF-8 where the whole path is valid UTF-8, else ASCII with `\x..` for the other bytes. Control,
 * format and space characters other than the space, and the backslash, are escaped; different paths look different.
 */
export function displayPath(path: BytePath): string {
  let text: string;
  try {
    text = strictUtf8.decode(bytePathToBytes(path));
  } catch {
    return path.replace(/[^\x20-\x5b\x5d-\x7e]/g, escapeByte);
  }
  return text.replace(NOT_PRINTED, (character) =>
    character <= "\x7f" ? escapeByte(character) : `\\u{${codePoint(character)}}`,
  );
}

function escapeByte(character: string): string {
  return character === "\\" ? "\\\\" : `\\x${codePoint(character).padStart(2, "0")}`;
}

function codePoint(character: string): string {
  return Number(character.codePointAt(0)).toString(16);
}
