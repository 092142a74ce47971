// SPDX-License-Identifier: Apache-2.0

import { createPublicKey, type KeyObject } from "node:crypto";

/**
 * The public part of a key, in memory of its own: for whoever exports a JWK of a key that was just generated.
 *
 * Such a key shares a lock with the job that made it. While Node 20 exports a JWK it holds the lock and allocates; when the
 * collector takes the job away at that moment, it waits for the same lock, and so for itself.
 */
export function ownPublicKey(key: KeyObject): KeyObject {
  const shared = key.type === "private" ? createPublicKey(key) : key;
  const spki = shared.export({ format: "der", type: "spki" });
  return createPublicKey({ key: spki, format: "der", type: "spki" });
}
