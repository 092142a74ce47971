// SPDX-License-Identifier: Apache-2.0
// `npm run test:mutants`. What does the work is TypeScript, which the oldest Node that is supported does not read.
import { join } from "node:path";
import { build } from "esbuild";

/** Runs `test/mutants/run-mutants.ts` and returns its exit code. */
export async function mutants(root, args) {
  const { outputFiles } = await build({
    entryPoints: [join(root, "test/mutants/run-mutants.ts")],
    bundle: true,
    platform: "node",
    format: "esm",
    write: false,
  });
  const code = Buffer.from(outputFiles[0].contents).toString("base64");
  const { runMutants } = await import(`data:text/javascript;base64,${code}`);
  return runMutants(root, args);
}
