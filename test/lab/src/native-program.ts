// SPDX-License-Identifier: Apache-2.0
import { createHash } from "node:crypto";
import { mkdir, readFile, rename, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { runHostTool } from "./host-tool.ts";

const FLAGS = [
  "-std=c11",
  "-D_GNU_SOURCE",
  "-O2",
  "-static",
  "-s",
  "-Wall",
  "-Wextra",
  "-Wconversion",
  "-Werror",
];

/**
 * Compiles one C file, with macros such as `NAME=1`, into a static program and returns its path; an unchanged file is not compiled again.
 *
 * @throws LabError `LAB_TOOL_MISSING` without gcc, `LAB_TOOL_FAILED` when it refuses the file
 */
export async function compileProgram(
  source: string,
  cacheDir: string,
  defines: readonly string[] = [],
): Promise<string> {
  const flags = [...FLAGS, ...defines.map((define) => `-D${define}`)];
  const key = createHash("sha256")
    .update(flags.join(" "))
    .update(await readFile(source))
    .digest("hex");
  const folder = join(cacheDir, "native");
  const program = join(folder, `${basename(source, ".c")}-${key.slice(0, 16)}`);
  const there = await stat(program).catch(() => null);
  if (there !== null) return program;
  await mkdir(folder, { recursive: true });
  const work = `${program}.${process.pid}`;
  await runHostTool("gcc", [...flags, "-o", work, source]);
  await rename(work, program);
  return program;
}
