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
 * Compiles C files, with macros such as `NAME=1`, into a static program and returns its path; unchanged files are not compiled again.
 *
 * @param sources one file, which names the program, or the first of several; headers among them count as read
 * @throws LabError `LAB_TOOL_MISSING` without gcc, `LAB_TOOL_FAILED` when it refuses a file
 */
export async function compileProgram(
  sources: string | readonly string[],
  cacheDir: string,
  defines: readonly string[] = [],
): Promise<string> {
  const files = typeof sources === "string" ? [sources] : sources;
  const flags = [...FLAGS, ...defines.map((define) => `-D${define}`)];
  const key = createHash("sha256").update(flags.join(" "));
  for (const file of files) key.update(await readFile(file));
  const folder = join(cacheDir, "native");
  const name = `${basename(files[0] ?? "", ".c")}-${key.digest("hex").slice(0, 16)}`;
  const program = join(folder, name);
  const there = await stat(program).catch(() => null);
  if (there !== null) return program;
  await mkdir(folder, { recursive: true });
  const work = `${program}.${process.pid}`;
  await runHostTool("gcc", [...flags, "-o", work, ...files.filter((file) => file.endsWith(".c"))]);
  await rename(work, program);
  return program;
}
