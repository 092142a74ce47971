// SPDX-License-Identifier: Apache-2.0
// `npm run test:attacks`, `test:enrolment`, `test:hostile` and `test:mutants`. The last is TypeScript, which the oldest Node that is supported does not read.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";

/** Tries every forgery, says what each would gain, and ends with `N attacks, N refused`. Returns the exit code. */
export function attacks(root) {
  return report(root, "attacks", "./test/attacks/attack-reporter.ts", []);
}

/**
 * Plays every trick on every kernel, says which were seen, and ends with `N tricks, N seen`. Returns the exit code: 1 when something is not
 * as the table of tricks says. Arguments choose among the machines, such as `6.12`.
 */
export function hostile(root, args) {
  const files = args.map((name) => `test/hostile/full/${name}.test.ts`);
  return report(root, "hostile", "./test/hostile/trick-reporter.ts", files);
}

/** Tries every bad enrolment with software TPMs, and ends with `N bad enrolments, N refused`. Returns the exit code. */
export function enrolments(root) {
  return report(root, "swtpm", "./test/enrolment/enrolment-reporter.ts", ["test/enrolment"]);
}

function report(root, project, reporter, files) {
  const command = ["run", "--project", project, `--reporter=${reporter}`, ...files];
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
