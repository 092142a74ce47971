// SPDX-License-Identifier: Apache-2.0

import type { Reporter, TestCase, TestModule } from "vitest/node";
// For what it says of the meta data of a test.
import type {} from "./attack.ts";

/** Prints a line for each forgery, with its check and what it would gain, and `N attacks, N refused` at the end. */
// biome-ignore lint/style/noDefaultExport: vitest loads a reporter by its default export
export default class AttackReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const attacks = modules.flatMap((module) =>
      [...module.children.allTests()].filter((test) => test.meta().attack !== undefined),
    );
    for (const test of attacks) process.stdout.write(`${lineOf(test)}\n`);
    const refused = attacks.filter(isRefused).length;
    process.stdout.write(`${attacks.length} attacks, ${refused} refused\n`);
  }
}

function isRefused(test: TestCase): boolean {
  return test.result().state === "passed";
}

function lineOf(test: TestCase): string {
  const { check, gain } = test.meta().attack ?? { check: "", gain: "" };
  return `${isRefused(test) ? "refused" : "NOT REFUSED"}  ${check}: ${test.name}\n    else: ${gain}`;
}
