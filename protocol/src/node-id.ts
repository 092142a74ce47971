// SPDX-License-Identifier: Apache-2.0

import type { Codec } from "./codec.ts";
import { text } from "./scalar-codec.ts";

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
/** SHA-256 of the EK's public key, for nodes that are named after their TPM. */
const EK_HASH = /^[0-9a-f]{64}$/;

/** True for a node's id: a UUID or a SHA-256 in lower-case hexadecimal, so one node has one spelling. */
export function isNodeId(id: string): boolean {
  return UUID.test(id) || EK_HASH.test(id);
}

export const nodeId: Codec<string, string> = text({ is: isNodeId });
