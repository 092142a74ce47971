// SPDX-License-Identifier: Apache-2.0

import { parseArgs } from "node:util";
import { CHECKS, type CheckId } from "../attacks/checks.ts";
import { testsOf, type WrittenAttack, writtenAttacks } from "./named-tests.ts";
import { runTests, type TestRun } from "./run-tests.ts";
import { SHORT } from "./short.ts";

/** Mutants at a time. */
const WORKERS = 2;

/**
 * Takes away each check in turn and looks whether its tests notice: each of its forgeries has to get through, and one of
 * its other tests to fail. Ends with the line `N mutants, N killed`. Before that all of the tests have to pass with
 * nothing taken away.
 *
 * `--check <id>` for one check (may be repeated), `--short` for a dozen. Returns the exit code.
 */
export async function runMutants(root: string, args: readonly string[]): Promise<number> {
  let values: ReturnType<typeof optionsOf>;
  try {
    values = optionsOf(args);
  } catch (error) {
    return fail(
      `${(error as Error).message}\nusage: npm run test:mutants [-- --short | --check ID...]`,
    );
  }
  const ids = Object.keys(CHECKS) as CheckId[];
  const wanted: readonly string[] = values.check ?? (values.short ? SHORT : ids);
  const unknown = wanted.filter((id) => !(id in CHECKS));
  if (unknown.length > 0) return fail(`there is no check ${unknown.join(", ")}`);
  const chosen = ids.filter((id) => wanted.includes(id));
  const attacks = writtenAttacks(root);

  const control = await runTests(
    root,
    [...new Set(chosen.flatMap((id) => testsOf(id, attacks)))],
    null,
  );
  const broken = [...control.outcomes].filter(([, outcome]) => outcome !== "passed");
  if (broken.length > 0) {
    say(control.output);
    for (const [{ file, title }, outcome] of broken) say(`${outcome}: ${file} "${title}"`);
    return fail("not all tests pass with nothing taken away");
  }

  let killed = 0;
  const queue = [...chosen];
  await Promise.all(
    Array.from({ length: WORKERS }, async () => {
      for (let id = queue.shift(); id !== undefined; id = queue.shift()) {
        const problem = problemOf(id, await runTests(root, testsOf(id, attacks), id), attacks);
        if (problem === null) killed++;
        say(problem === null ? `killed    ${id}` : `SURVIVED  ${id}: ${problem}`);
      }
    }),
  );
  say(`${chosen.length} mutants, ${killed} killed`);
  return killed === chosen.length ? 0 : 1;
}

/** @throws TypeError for options that there are not */
function optionsOf(args: readonly string[]) {
  const options = {
    check: { type: "string", multiple: true },
    short: { type: "boolean" },
  } as const;
  return parseArgs({ args: [...args], options }).values;
}

/** Why the mutant is not killed; null when it is. */
function problemOf(id: CheckId, run: TestRun, attacks: readonly WrittenAttack[]): string | null {
  if (!run.applied) return "its file was not loaded by its tests, so nothing was shown";
  if (run.hung) return null;
  const outcomes = [...run.outcomes];
  if (outcomes.length === 0) return "it has neither a forgery nor a test";
  if (outcomes.some(([, outcome]) => outcome === "absent")) {
    return `without it nothing runs, so nothing was shown\n${run.output}`;
  }
  const isAttack = (test: unknown): boolean => attacks.some((attack) => attack === test);
  const unnoticed = outcomes.filter(([, outcome]) => outcome === "passed").map(([test]) => test);
  const forgeries = unnoticed.filter(isAttack).map(({ title }) => `\n    still: ${title}`);
  const others = outcomes.filter(([test]) => !isAttack(test));
  if (forgeries.length > 0)
    return `without it, forgeries are refused as before${forgeries.join("")}`;
  const isNoticed = others.length === 0 || others.some(([, outcome]) => outcome === "failed");
  return isNoticed ? null : `nobody notices that it is gone: ${CHECKS[id].guards}`;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function fail(line: string): number {
  process.stderr.write(`${line}\n`);
  return 1;
}
