// SPDX-License-Identifier: Apache-2.0

/** `text` in one line, without anything that moves a cursor or hides: for what comes from a file or a peer. */
export function printable(text: string): string {
  return text.replace(/(?! )[\p{C}\p{Z}]/gu, "?");
}
