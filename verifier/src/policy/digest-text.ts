// SPDX-License-Identifier: Apache-2.0

import type { FileDigest } from "@nsattest/ns-ima";

/** A SHA-256 digest as policies and verdicts write it. */
export const DIGEST_FORM: RegExp = /^sha256:[0-9a-f]{64}$/;

/** A digest as policies and verdicts write it. */
export function digestText({ algorithm, value }: FileDigest): string {
  return `${algorithm}:${Buffer.from(value).toString("hex")}`;
}
