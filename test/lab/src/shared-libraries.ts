// SPDX-License-Identifier: Apache-2.0
import { realpath } from "node:fs/promises";
import { basename, join } from "node:path";
import { runHostTool } from "./host-tool.ts";

/** Where Debian's dynamic linker looks first on this architecture. */
const LIBRARY_FOLDER = "/lib/x86_64-linux-gnu";
const LOADER = "/lib64/ld-linux-x86-64.so.2";

/** A shared library and the place where the machine's dynamic linker will look for it. */
export interface SharedLibrary {
  readonly path: string;
  readonly source: string;
}

/**
 * All shared libraries of a program, the dynamic linker included, found in `packages` (roots of unpacked packages) or
 * else on the host.
 */
export async function librariesOf(
  program: string,
  packages: readonly string[],
): Promise<SharedLibrary[]> {
  const folders = packages.flatMap((root) => [
    join(root, LIBRARY_FOLDER),
    join(root, "usr", LIBRARY_FOLDER),
  ]);
  const text = await runHostTool("ldd", [program], { env: { LD_LIBRARY_PATH: folders.join(":") } });
  const found = [...text.toString().matchAll(/^\s+(\S+) => (\/\S+) \(/gm)];
  const libraries = await Promise.all(
    found.map(async ([, name, path]) => ({
      path: join(LIBRARY_FOLDER, basename(name ?? "")),
      source: await realpath(path ?? ""),
    })),
  );
  return [...libraries, { path: LOADER, source: await realpath(LOADER) }];
}
