// SPDX-License-Identifier: Apache-2.0

import { randomUUID } from "node:crypto";
import { isNodeId } from "@nsattest/protocol";
import { readIfPresent, writePrivateFile } from "./enrol/private-file.ts";
import { AttesterError } from "./error.ts";

/**
 * The node's id: kept in a file, made at random the first time. A damaged file is an error and not a new id: the verdicts of the old
 * one would silently go stale.
 *
 * @throws AttesterError `ENROL_FILE`
 */
export async function loadNodeId(path: string): Promise<string> {
  const text = await readIfPresent(path);
  if (text === null) {
    const id = randomUUID();
    await writePrivateFile(path, `${id}\n`);
    return id;
  }
  const id = text.trim();
  if (!isNodeId(id)) throw new AttesterError("ENROL_FILE", `${path} holds no node id`);
  return id;
}
