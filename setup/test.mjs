// SPDX-License-Identifier: Apache-2.0
// The gate: everything that has to hold, in the order in which it fails fastest.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mutants } from "./attacks.mjs";
import { fuzz } from "./fuzz.mjs";

/** What is checked without running anything of ours. */
const CHECKS = [
  ["formatting and lint", "biome", ["ci", "."]],
  ["types", "tsc", ["-b"]],
  ["types of the tests", "tsc", ["-p", "tsconfig.test.json"]],
  ["unused code and dependencies", "knip", []],
];

/** Test projects that run together, and how; the machine is alone: it needs both cores. */
const RUNS = [
  { projects: ["unit", "property", "swtpm", "native", "repo", "attacks"], options: ["--coverage"] },
  { projects: ["vm"], options: [] },
];

/**
 * Runs everything and ends with the line `N passed, N failed, N skipped`; a check that fails counts as one failed test, a target of the
 * fuzzer as one test, mutants that survive as one failure. With arguments, runs vitest with them and nothing else.
 */
export async function test(root, args) {
  const vitest = (runArgs) => run(root, "vitest", ["run", ...runArgs]);
  if (args.length > 0) return vitest(args);
  const total = { passed: 0, failed: 0, skipped: 0, attacks: 0, refused: 0, bad: 0, badRefused: 0 };
  for (const [name, program, programArgs] of CHECKS) {
    process.stderr.write(`[test] ${name}\n`);
    if (run(root, program, programArgs) !== 0) total.failed += 1;
  }
  const folder = mkdtempSync(join(tmpdir(), "nsattest-test-"));
  for (const { projects, options } of RUNS) {
    process.stderr.write(`[test] ${projects.join(", ")}\n`);
    const report = join(folder, "report.json");
    const chosen = projects.flatMap((project) => ["--project", project]);
    const code = vitest([
      ...chosen,
      ...options,
      "--reporter=default",
      "--reporter=json",
      `--outputFile.json=${report}`,
    ]);
    add(total, report, code);
  }
  rmSync(folder, { recursive: true });
  process.stderr.write("[test] fuzz\n");
  addFuzz(total, await fuzz(root, ["--json"], true));
  process.stderr.write("[test] mutants\n");
  if ((await mutants(root, ["--short"])) !== 0) total.failed += 1;
  process.stdout.write(`${total.bad} bad enrolments, ${total.badRefused} refused\n`);
  process.stdout.write(`${total.attacks} attacks, ${total.refused} refused\n`);
  process.stdout.write(
    `${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped\n`,
  );
  return total.failed === 0 && total.passed > 0 ? 0 : 1;
}

/** Adds the numbers of one run. A run that leaves no report, or fails without a failed test, counts as one failure. */
function add(total, report, code) {
  let numbers = {
    numPassedTests: 0,
    numFailedTests: 0,
    numPendingTests: 0,
    numTodoTests: 0,
    testResults: [],
  };
  try {
    numbers = JSON.parse(readFileSync(report, "utf8"));
    rmSync(report);
  } catch {
    process.stderr.write("[test] vitest left no report\n");
  }
  total.passed += numbers.numPassedTests;
  total.failed += code !== 0 && numbers.numFailedTests === 0 ? 1 : numbers.numFailedTests;
  total.skipped += numbers.numPendingTests + numbers.numTodoTests;
  const tests = numbers.testResults.flatMap(({ assertionResults }) => assertionResults);
  const attacks = tests.filter(({ meta }) => meta.attack);
  total.attacks += attacks.length;
  total.refused += attacks.filter(({ status }) => status === "passed").length;
  const bad = tests.filter(({ meta }) => meta.badEnrolment);
  total.bad += bad.length;
  total.badRefused += bad.filter(({ status }) => status === "passed").length;
}

/** Adds the targets of the fuzzer, a test each. */
function addFuzz(total, { code, output }) {
  const { passed, failed } = output === "" ? { passed: 0, failed: code } : JSON.parse(output);
  total.passed += passed;
  total.failed += failed;
}

function run(root, program, args) {
  const command = join(root, "node_modules/.bin", program);
  const env = { ...process.env, CI: "1" };
  return (
    spawnSync(command, args, { cwd: root, env, stdio: ["ignore", "inherit", "inherit"] }).status ??
    1
  );
}
