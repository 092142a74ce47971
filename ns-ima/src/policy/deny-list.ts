// SPDX-License-Identifier: Apache-2.0

import { Buffer } from "node:buffer";
import type { FileDigest } from "../log/event.ts";

/** Why each of these digests, written `<algorithm>:<hex>`, is denied. */
export type DenyList = ReadonlyMap<string, string>;

export const NOTHING_DENIED: DenyList = new Map();

/** Why `digest` is denied; undefined when it is not. One content has a digest per algorithm: each has to be listed. */
export function denyReason(denied: DenyList, digest: FileDigest): string | undefined {
  if (denied.size === 0) return undefined;
  return denied.get(`${digest.algorithm}:${Buffer.from(digest.value).toString("hex")}`);
}
