// SPDX-License-Identifier: Apache-2.0

import type { Reporter, TestCase, TestModule } from "vitest/node";
// For what it says of the meta data of a test.
import type {} from "./hostile.ts";

/** Prints a line for each trick that was played on each machine, and `N tricks, N seen` at the end: seen is what every machine saw. */
// biome-ignore lint/style/noDefaultExport: vitest loads a reporter by its default export
export default class TrickReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const tests = modules.flatMap((module) => [...module.children.allTests()]);
    const seen = new Map<string, boolean>();
    const nothing = new Set<string>();
    for (const test of tests) {
      const { trick } = test.meta();
      const { state, errors = [] } = test.result();
      // What is no trick is told when it fails: a witness that saw more than the list, or somebody else's verdict.
      if (trick === undefined && state === "failed")
        process.stdout.write(`FAILED    ${test.fullName}\n`);
      for (const { message } of errors) process.stdout.write(`          ${message}\n`);
      if (trick === undefined) continue;
      process.stdout.write(`${wordOf(test)}  ${test.fullName}\n`);
      if (trick.seen === null && test.result().state === "passed") nothing.add(trick.id);
      else seen.set(trick.id, (seen.get(trick.id) ?? true) && trick.seen === true);
    }
    const count = [...seen.values()].filter((each) => each).length;
    process.stdout.write(`${nothing.size} tricks come to nothing: ${[...nothing].join(", ")}\n`);
    process.stdout.write(`${seen.size} tricks, ${count} seen\n`);
  }
}

function wordOf(test: TestCase): string {
  const seen = test.meta().trick?.seen;
  if (test.result().state !== "passed") return "FAILED  ";
  if (seen === null) return "nothing ";
  return seen ? "seen    " : "NOT SEEN";
}
