// SPDX-License-Identifier: Apache-2.0

import type { Reporter, TestCase, TestModule } from "vitest/node";
// For what it says of the meta data of a test.
import type {} from "./bad-enrolment.ts";

/** Prints a line for each bad enrolment and `N bad enrolments, N refused` at the end; what failed, with its reason. */
// biome-ignore lint/style/noDefaultExport: vitest loads a reporter by its default export
export default class EnrolmentReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const tests = modules.flatMap((module) => [...module.children.allTests()]);
    for (const module of modules) {
      for (const error of module.errors()) say(`FAILED  ${module.moduleId}: ${error.message}`);
    }
    for (const test of tests) {
      if (!hasPassed(test)) {
        const why = test.result().errors?.[0]?.message ?? "it did not run";
        say(`FAILED  ${test.fullName}: ${why}`);
      } else if (test.meta().badEnrolment) say(`refused  ${test.fullName}`);
    }
    const bad = tests.filter((test) => test.meta().badEnrolment);
    say(`${bad.length} bad enrolments, ${bad.filter(hasPassed).length} refused`);
  }
}

function hasPassed(test: TestCase): boolean {
  return test.result().state === "passed";
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
