// SPDX-License-Identifier: Apache-2.0
import { readdir, stat } from "node:fs/promises";
import { join, posix } from "node:path";
import { CODE_UID } from "./guest-user.ts";

/** One thing of the machine's disk. Missing folders above `path` are made. */
export type GuestFile = GuestRegularFile | GuestLink | GuestFolder;

/** A regular file, from the host's `source` or from `content`. */
export interface GuestRegularFile {
  readonly kind: "file";
  /** Absolute, in the machine. */
  readonly path: string;
  readonly from: { readonly source: string } | { readonly content: string | Uint8Array };
  readonly mode: number;
  readonly uid: number;
}

/** A symbolic link. */
export interface GuestLink {
  readonly kind: "link";
  readonly path: string;
  readonly target: string;
}

/** A folder that must be there although it may be empty. */
export interface GuestFolder {
  readonly kind: "folder";
  readonly path: string;
  readonly mode: number;
}

/** A program or script: root's, 0755. */
export function executable(path: string, source: string): GuestRegularFile {
  return { kind: "file", path, from: { source }, mode: 0o755, uid: 0 };
}

/** Data: root's, 0644. */
export function data(path: string, content: string | Uint8Array): GuestRegularFile {
  return { kind: "file", path, from: { content }, mode: 0o644, uid: 0 };
}

/** A file of the host as data: root's, 0644. */
export function dataFrom(path: string, source: string): GuestRegularFile {
  return { kind: "file", path, from: { source }, mode: 0o644, uid: 0 };
}

/** One of our own bundles: the code user's, 0444, so that reading it is measured. */
export function code(path: string, source: string): GuestRegularFile {
  return { kind: "file", path, from: { source }, mode: 0o444, uid: CODE_UID };
}

/** A symbolic link. */
export function link(path: string, target: string): GuestLink {
  return { kind: "link", path, target };
}

/** A folder. */
export function folder(path: string, mode = 0o755): GuestFolder {
  return { kind: "folder", path, mode };
}

/**
 * Every regular file below the host's folder `source`, at the same place below `path`; links are followed.
 *
 * Keeps whether a file is executable; all belong to root.
 */
export async function tree(path: string, source: string): Promise<GuestRegularFile[]> {
  const names = (await readdir(source, { recursive: true })).sort();
  const files: GuestRegularFile[] = [];
  for (const name of names) {
    const from = join(source, name);
    const found = await stat(from);
    if (!found.isFile()) continue;
    const to = posix.join(path, name);
    files.push((found.mode & 0o111) === 0 ? dataFrom(to, from) : executable(to, from));
  }
  return files;
}
