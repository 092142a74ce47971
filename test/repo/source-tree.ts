// SPDX-License-Identifier: Apache-2.0

import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** What is made here and not written: the folders of .gitignore. */
const MADE = new Set([".git", ...(read(".gitignore").match(/^[^*\n]+(?=\/$)/gm) ?? [])]);

/** Text of a file of the repository. */
export function read(path: string): string {
  return readFileSync(join(ROOT, path), "utf8");
}

/** Paths of all files that somebody wrote, from the repository's root, in order. */
export const FILES: readonly string[] = walk("");

function walk(folder: string): string[] {
  const entries = readdirSync(join(ROOT, folder), { withFileTypes: true });
  return entries
    .filter(({ name }) => !MADE.has(name) && !name.endsWith(".tsbuildinfo"))
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      return entry.isDirectory() ? walk(path) : [path];
    })
    .sort();
}

/** True for a file that only tests use. */
export function isTest(path: string): boolean {
  return path.endsWith(".test.ts");
}

/** A package: its folder and its package.json. */
export interface Workspace {
  readonly folder: string;
  readonly name: string;
  readonly version: string;
  readonly dependencies: Readonly<Record<string, string>>;
}

/** The workspaces that the root's package.json names. */
export const WORKSPACES: readonly Workspace[] = (
  JSON.parse(read("package.json")) as { workspaces: string[] }
).workspaces.map((folder) => {
  const manifest = JSON.parse(read(`${folder}/package.json`)) as Partial<Workspace>;
  const { name = "", version = "", dependencies = {} } = manifest;
  return { folder, name, version, dependencies };
});

const IMPORT =
  /^(?:import|export)\s[^;]*?from\s+"([^"]+)"|^import\s+"([^"]+)"|\bimport\("([^"]+)"\)/gm;

/** What `path` imports: a package's name, or for a relative import a path from the repository's root. */
export function importsOf(path: string): readonly string[] {
  return [...read(path).matchAll(IMPORT)].map(([, from, bare, dynamic]) => {
    const target = from ?? bare ?? dynamic ?? "";
    return target.startsWith(".") ? join(dirname(path), target) : target;
  });
}
