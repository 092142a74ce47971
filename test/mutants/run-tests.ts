// SPDX-License-Identifier: Apache-2.0

import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { NamedTest } from "../attacks/checks/check.ts";

/** What became of a named test: `absent` when there is no such test, or its file cannot be loaded. */
export type Outcome = "passed" | "failed" | "absent";

export interface TestRun {
  readonly outcomes: ReadonlyMap<NamedTest, Outcome>;
  /** The check was taken away when its file was loaded. */
  readonly applied: boolean;
  /** It did not end, and was ended. */
  readonly hung: boolean;
  /** What vitest wrote, for whoever has to find out why. */
  readonly output: string;
}

interface Report {
  readonly testResults: readonly {
    readonly name: string;
    readonly assertionResults: readonly { readonly fullName: string; readonly status: string }[];
  }[];
}

/** Far above what a few tests take on a busy machine: what takes longer does not end. */
const TIMEOUT_MS = 600_000;

/** Runs `tests`, and no others, in a process of its own; without the check `mutant`, if there is one. */
export async function runTests(
  root: string,
  tests: readonly NamedTest[],
  mutant: string | null,
): Promise<TestRun> {
  const folder = mkdtempSync(join(tmpdir(), "nsattest-mutant-"));
  const [report, applied] = [join(folder, "report.json"), join(folder, "applied")];
  const args = [
    ...["run", "--config", "test/mutants/vitest.config.ts", "--reporter=json"],
    ...[`--outputFile=${report}`, "-t", tests.map(({ title }) => escaped(title)).join("|")],
    ...new Set(tests.map(({ file }) => file)),
  ];
  const env = { ...process.env, CI: "1", NSATTEST_MUTANT_APPLIED: applied };
  const child = spawn(join(root, "node_modules/.bin/vitest"), args, {
    cwd: root,
    env: mutant === null ? env : { ...env, NSATTEST_MUTANT: mutant },
    // Without a mutant there is nothing to hang in, and all of the tests to run.
    timeout: mutant === null ? 0 : TIMEOUT_MS,
    killSignal: "SIGKILL",
  });
  const written: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => written.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => written.push(chunk));
  const hung = await new Promise<boolean>((resolve, reject) => {
    child.on("error", reject).on("close", (_, signal) => resolve(signal !== null));
  });
  const results = existsSync(report) ? (JSON.parse(readFileSync(report, "utf8")) as Report) : null;
  const run: TestRun = {
    outcomes: new Map(tests.map((test) => [test, outcomeOf(results, root, test)])),
    applied: existsSync(applied),
    hung,
    output: Buffer.concat(written).toString("utf8"),
  };
  rmSync(folder, { recursive: true });
  return run;
}

function outcomeOf(report: Report | null, root: string, { file, title }: NamedTest): Outcome {
  const results = (report?.testResults ?? [])
    .filter(({ name }) => name === join(root, file))
    .flatMap(({ assertionResults }) => assertionResults)
    .filter(({ fullName }) => fullName.includes(title));
  if (results.some(({ status }) => status === "failed")) return "failed";
  return results.some(({ status }) => status === "passed") ? "passed" : "absent";
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
}
