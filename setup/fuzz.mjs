// SPDX-License-Identifier: Apache-2.0
// The fuzzer as a program: its sources made into two files, one for the command and one for its threads.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { build } from "esbuild";

/** Bundles the fuzzer and runs it with `args`. Returns its exit code and, with `capture`, what it wrote to standard output. */
export async function fuzz(root, args, capture = false) {
  const folder = join(root, "dist/fuzz");
  await build({
    absWorkingDir: root,
    bundle: true,
    platform: "node",
    target: "node20",
    format: "esm",
    conditions: ["@nsattest/source"],
    logLevel: "warning",
    legalComments: "none",
    sourcemap: "inline",
    outdir: folder,
    outExtension: { ".js": ".mjs" },
    entryPoints: { main: "test/fuzz/main.ts", worker: "test/fuzz/worker.ts" },
    external: ["@noble/curves", "cbor-x", "node-forge", "re2js"],
  });
  const command = ["--enable-source-maps", join(folder, "main.mjs"), ...args];
  const stdio = ["ignore", capture ? "pipe" : "inherit", "inherit"];
  const { status, stdout } = spawnSync(process.execPath, command, {
    cwd: root,
    stdio,
    encoding: "utf8",
  });
  return { code: status ?? 1, output: stdout ?? "" };
}
