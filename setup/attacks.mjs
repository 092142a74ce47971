// SPDX-License-Identifier: Apache-2.0
// `npm run test:attacks`, `npm run test:enrolment` and `npm run test:mutants`. The latter is TypeScript, which the oldest Node that is supported does not read.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";

/** Tries every forgery, says what each would gain, and ends with `N attacks, N refused`. Returns the exit code. */
export function attacks(root) {
  const command = ["run", "--project", "attacks", "--reporter=./test/attacks/attack-reporter.ts"];
  const env = { ...process.env, CI: "1" };
  const vitest = join(root, "node_modules/.bin/vitest");
  return spawnSync(vitest, command, { cwd: root, env, stdio: "inherit" }).status ?? 1;
}

/** Tries every bad enrolment with software TPMs, and ends with `N bad enrolments, N refused`. Returns the exit code. */
export function enrolments(root) {
  const reporter = "--reporter=./test/enrolment/enrolment-reporter.ts";
  const command = ["run", "--project", "swtpm", reporter, "test/enrolment"];
  const env = { ...process.env, CI: "1" };
  const vitest = join(root, "node_modules/.bin/vitest");
  return spawnSync(vitest, command, { cwd: root, env, stdio: "inherit" }).status ?? 1;
}

/** Runs `test/mutants/run-mutants.ts` and returns its exit code. */
export async function mutants(root, args) {
  const outfile = join(root, "dist/mutants/run-mutants.mjs");
  await build({
    entryPoints: [join(root, "test/mutants/run-mutants.ts")],
    bundle: true,
    platform: "node",
    format: "esm",
    outfile,
    logLevel: "warning",
  });
  const { runMutants } = await import(pathToFileURL(outfile).href);
  return runMutants(root, args);
}
