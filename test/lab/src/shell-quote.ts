// SPDX-License-Identifier: Apache-2.0

/** One word of a shell command, whatever it contains. */
export function shellQuote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
