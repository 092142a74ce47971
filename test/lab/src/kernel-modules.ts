// SPDX-License-Identifier: Apache-2.0
import { readdir, readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { LabError } from "./error.ts";
import { runHostTool } from "./host-tool.ts";
import type { LabKernel } from "./kernel.ts";

/** A module, uncompressed, ready for `insmod`. */
export interface KernelModule {
  readonly name: string;
  readonly bytes: Buffer;
}

/**
 * Reads modules of a kernel together with all they depend on, each after its dependencies.
 *
 * Dependencies come from the modules themselves (`depends=` in their `.modinfo` section): the package ships no
 * `modules.dep`, and so neither `depmod` here nor `modprobe` in the machine is needed. Names that the kernel has built in
 * are left out.
 *
 * @throws LabError `LAB_FILE` when the kernel has no such module
 */
export async function readModules(
  kernel: LabKernel,
  wanted: readonly string[],
): Promise<KernelModule[]> {
  const paths = new Map<string, string>();
  for (const entry of await readdir(kernel.modules, { recursive: true })) {
    const match = /\/([^/]+)\.ko(\.xz)?$/.exec(entry);
    if (match?.[1] !== undefined) paths.set(moduleName(match[1]), join(kernel.modules, entry));
  }
  const builtIn = await readFile(kernel.builtIn, "utf8");
  const isBuiltIn = new Set(builtIn.split("\n").map((line) => moduleName(basename(line, ".ko"))));

  const loaded = new Map<string, KernelModule>();
  const load = async (name: string): Promise<void> => {
    if (loaded.has(name) || isBuiltIn.has(name)) return;
    const path = paths.get(name);
    if (path === undefined)
      throw new LabError("LAB_FILE", `kernel ${kernel.release} has no module ${name}`);
    const bytes = await readModule(path);
    for (const dependency of dependenciesOf(bytes)) await load(dependency);
    loaded.set(name, { name, bytes });
  };
  for (const name of wanted) await load(moduleName(name));
  return [...loaded.values()];
}

async function readModule(path: string): Promise<Buffer> {
  return path.endsWith(".xz") ? runHostTool("xz", ["-dc", path]) : readFile(path);
}

/** `foo-bar.ko` is the module `foo_bar`. */
function moduleName(file: string): string {
  return file.replaceAll("-", "_");
}

function dependenciesOf(module: Buffer): string[] {
  const key = "\0depends=";
  const at = module.indexOf(key, 0, "latin1");
  if (at === -1) return [];
  const start = at + key.length;
  const list = module.toString("latin1", start, module.indexOf(0, start));
  return list === "" ? [] : list.split(",").map(moduleName);
}
