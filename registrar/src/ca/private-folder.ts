// SPDX-License-Identifier: Apache-2.0

import { mkdir, mkdtemp, open, rename, rm } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { RegistrarError } from "../error.ts";

const OWNER_ONLY = 0o600;

/**
 * Creates `folder` (0700) with `files` (0600), all of them or none.
 *
 * The folder is filled under another name and renamed: rename(2) puts a folder in the place of nothing or of an empty
 * folder and refuses everything else, so nothing can be overwritten, not even by two that run at once.
 *
 * @throws RegistrarError `CA_EXISTS`, `CA_UNWRITABLE`
 */
export async function createPrivateFolder(
  folder: string,
  files: ReadonlyMap<string, string>,
): Promise<void> {
  const target = resolve(folder);
  let draft: string | undefined;
  try {
    await mkdir(dirname(target), { recursive: true });
    draft = await mkdtemp(`${target}.new-`);
    for (const [name, text] of files) await writeDurably(join(draft, name), text);
    await sync(draft);
    await rename(draft, target);
    await sync(dirname(target));
  } catch (cause) {
    if (draft !== undefined) await rm(draft, { recursive: true, force: true });
    throw isTaken(cause)
      ? new RegistrarError("CA_EXISTS", `${target} exists and is not empty`, { cause })
      : new RegistrarError("CA_UNWRITABLE", `${target} cannot be made`, { cause });
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

async function sync(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function isTaken(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return code === "ENOTEMPTY" || code === "EEXIST" || code === "ENOTDIR";
}
