// SPDX-License-Identifier: Apache-2.0

import { randomBytes } from "node:crypto";
import { open, readFile, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { AttesterError } from "../error.ts";

const OWNER_ONLY = 0o600;

/**
 * Text of a file, or null when there is none.
 *
 * @throws AttesterError `ENROL_FILE`
 */
export async function readIfPresent(path: string): Promise<string | null> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && cause.code === "ENOENT") return null;
    throw new AttesterError("ENROL_FILE", `${path} cannot be read`, { cause });
  }
}

/**
 * Replaces a file, readable by its owner alone. After a crash it holds the old text or the new one, never a part.
 *
 * @throws AttesterError `ENROL_FILE`
 */
export async function writePrivateFile(path: string, text: string): Promise<void> {
  const draft = `${path}.${randomBytes(6).toString("hex")}`;
  try {
    await writeDurably(draft, text);
    await rename(draft, path);
    const folder = await open(dirname(path), "r");
    await folder.sync().finally(() => folder.close());
  } catch (cause) {
    await rm(draft, { force: true });
    throw new AttesterError("ENROL_FILE", `${path} cannot be written`, { cause });
  }
}

async function writeDurably(path: string, text: string): Promise<void> {
  const file = await open(path, "wx", OWNER_ONLY);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}
