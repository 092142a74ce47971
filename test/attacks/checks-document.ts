// SPDX-License-Identifier: Apache-2.0

import type { NamedTest } from "./checks/check.ts";
import { CHECKS } from "./checks.ts";

interface Forgery extends NamedTest {
  readonly check: string;
  readonly gain: string;
}

const HEAD = `# Checks and forgeries

What is checked between a request and a verdict, in the order in which evidence meets it, and which forgeries try to get past each check. Made
from \`test/attacks/checks.ts\` and the tests beside it; renew it with \`npx vitest run test/attacks/checks.test.ts -u\`.

\`npm run test:attacks\` tries every forgery on a running verifier or registrar. \`npm run test:mutants\` takes each check away in turn: then
its forgeries have to get through, or the tests that are named with it have to fail.
`;

/** The text of `docs/checks.md`. */
export function checksDocument(attacks: readonly Forgery[]): string {
  const checks = Object.entries(CHECKS).map(([id, { file, guards, tests = [] }]) => {
    const forgeries = attacks
      .filter(({ check }) => check === id)
      .map(({ title, gain }) => `- ${title}. _Else:_ ${gain}.`);
    const others = tests.map((test) => `- tested by \`${test.file}\`: ${test.title}`);
    return [`### ${id}`, "", `${guards} (\`${file}\`)`, "", ...forgeries, ...others, ""].join("\n");
  });
  return [HEAD, `${checks.length} checks, ${attacks.length} forgeries.`, "", ...checks].join("\n");
}
