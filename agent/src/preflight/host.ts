// SPDX-License-Identifier: Apache-2.0

import { spawnSync } from "node:child_process";
import { closeSync, openSync, readdirSync, readSync } from "node:fs";
import { join } from "node:path";

/** A file's beginning, or why there is none. */
export type Reading =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "absent" }
  | { readonly kind: "denied" };

/** What preflight may do with a host: look, and ask programs for their version. It changes nothing. */
export interface Host {
  /** The first bytes of a file (at most {@link READ_MAX}). Never throws. */
  read(path: string): Reading;
  /** Names in a folder; none when it is not there or may not be read. */
  list(path: string): readonly string[];
  /** First line of what `program --version` prints; null when there is no such program or it does not say. */
  versionOf(program: string): string | null;
}

/** Enough for kallsyms, the longest that is read; a measurement list is only looked at where it begins. */
export const READ_MAX: number = 32 * 1024 * 1024;

const PROGRAM_FOLDERS = [
  ...["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"],
  "/usr/libexec/crio",
] as const;
const VERSION_DEADLINE_MS = 10_000;

/** The host whose root folder is `root`: this machine's by default. */
export function hostAt(root = "/"): Host {
  return {
    read: (path) => readStart(join(root, path)),
    list(path) {
      try {
        return readdirSync(join(root, path)).sort();
      } catch {
        return [];
      }
    },
    versionOf(program) {
      for (const folder of PROGRAM_FOLDERS) {
        const { status, stdout } = spawnSync(join(root, folder, program), ["--version"], {
          encoding: "utf8",
          stdio: ["ignore", "pipe", "ignore"],
          timeout: VERSION_DEADLINE_MS,
        });
        if (status === 0) return stdout.split("\n")[0] ?? null;
      }
      return null;
    },
  };
}

function readStart(path: string): Reading {
  try {
    const file = openSync(path, "r");
    try {
      return { kind: "text", text: readAtMost(file, READ_MAX) };
    } finally {
      closeSync(file);
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return { kind: code === "EACCES" || code === "EPERM" ? "denied" : "absent" };
  }
}

/** Pseudo files have no size and give a piece at a time. */
function readAtMost(file: number, max: number): string {
  const pieces: Buffer[] = [];
  let length = 0;
  while (length < max) {
    const piece = Buffer.alloc(Math.min(64 * 1024, max - length));
    const read = readSync(file, piece);
    if (read === 0) break;
    pieces.push(piece.subarray(0, read));
    length += read;
  }
  return Buffer.concat(pieces).toString("utf8");
}
