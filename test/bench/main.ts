// SPDX-License-Identifier: Apache-2.0

import { parseArgs } from "node:util";
import { bpfExec } from "./bpf-exec.ts";
import { hook } from "./hook.ts";
import { incremental } from "./incremental.ts";
import { nodeMemory } from "./node-memory.ts";
import { quoteCheck } from "./quote-check.ts";
import { replay } from "./replay.ts";
import { type Benchmark, type Result, renderResult } from "./result.ts";

const BENCHMARKS: readonly Benchmark[] = [
  replay,
  quoteCheck,
  incremental,
  hook,
  bpfExec,
  nodeMemory,
];

const HELP = `npm run bench: how fast nsattest is, in ratios and fractions of what the same machine can do at all

Usage: npm run bench [-- --json] [--only NAME]...

  --json       one JSON object {"results":[{name, ratio, target, direction, fractionOfLimit}]}
  --only NAME  this benchmark, instead of all of them:
${BENCHMARKS.map(({ name, says }) => `                 ${name.padEnd(18)} ${says}\n`).join("")}
A missed target is printed as one. Exit code: 0 when everything could be measured, 1 when something could not, 2 wrong usage.
`;

process.exitCode = await main();

async function main(): Promise<number> {
  const options = parse();
  if (options === null) return 2;
  if (options.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const results: Result[] = [];
  for (const benchmark of options.chosen) {
    process.stderr.write(`[bench] ${benchmark.name}: ${benchmark.says}\n`);
    const found = await benchmark.run((text) => process.stderr.write(`[bench]   ${text}\n`));
    results.push(...found);
    if (!options.json)
      process.stdout.write(found.map((result) => `${renderResult(result)}\n`).join(""));
  }
  if (options.json) process.stdout.write(`${JSON.stringify({ results })}\n`);
  return 0;
}

function parse(): { json: boolean; help: boolean; chosen: readonly Benchmark[] } | null {
  try {
    const { values } = parseArgs({
      options: {
        json: { type: "boolean", default: false },
        help: { type: "boolean", default: false },
        only: { type: "string", multiple: true },
      },
    });
    const names = values.only ?? BENCHMARKS.map(({ name }) => name);
    const chosen = names.map((wanted) => {
      const found = BENCHMARKS.find(({ name }) => name === wanted);
      if (!found) throw new Error(`there is no benchmark ${wanted}`);
      return found;
    });
    return { json: values.json, help: values.help, chosen };
  } catch (error) {
    process.stderr.write(
      `bench: ${error instanceof Error ? error.message : String(error)}; see --help\n`,
    );
    return null;
  }
}
