// SPDX-License-Identifier: Apache-2.0

import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { attempt } from "./engine/attempt.ts";
import type { FuzzReport } from "./engine/fuzz.ts";
import { readKnownCodes } from "./engine/known-codes.ts";
import { runTarget } from "./engine/run-target.ts";
import { threadClock } from "./engine/thread-clock.ts";
import { type Options, parseOptions, USAGE } from "./options.ts";
import { TARGETS } from "./targets/all.ts";

const ROOT = process.cwd();
const FOLDER = "dist/fuzz/findings";
const WORKER = new URL("worker.mjs", import.meta.url);
/** Targets that run at the same time. */
const THREADS = 2;

/** One target in the JSON that is printed. */
interface Result {
  readonly target: string;
  readonly inputs: number;
  readonly behaviours: number;
  readonly findings: readonly { readonly fault: string; readonly file: string }[];
}

process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  let options: Options;
  try {
    options = parseOptions(args);
    const unknown = options.targets.find((name) => !TARGETS.has(name));
    if (unknown !== undefined) throw new Error(`--target: one of ${[...TARGETS.keys()].join(" ")}`);
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n\n${USAGE}`);
    return 2;
  }
  if (options.input !== null) return tryAgain(options.targets[0] ?? "", options.input);
  return run(options);
}

/** Tries one input on one target and says what it did. */
function tryAgain(name: string, file: string): number {
  const target = TARGETS.get(name)?.(ROOT);
  if (!target) return 2;
  const input = new Uint8Array(readFileSync(file));
  const { behaviour, fault } = attempt(target, input, readKnownCodes(ROOT), threadClock());
  process.stdout.write(`${fault ?? behaviour}\n`);
  return fault === null ? 0 : 1;
}

async function run({ seconds, targets, seed, json }: Options): Promise<number> {
  process.stderr.write(`[fuzz] seed ${seed}\n`);
  const names = targets.length > 0 ? [...targets] : [...TARGETS.keys()];
  const results: Result[] = [];
  const thread = async (): Promise<void> => {
    for (let name = names.shift(); name !== undefined; name = names.shift()) {
      const report = await runTarget(
        { root: ROOT, name, seed: seedOf(seed, name), seconds },
        WORKER,
      );
      results.push(say(name, report));
    }
  };
  await Promise.all(Array.from({ length: THREADS }, thread));
  const failed = results.filter(({ findings }) => findings.length > 0).length;
  const passed = results.length - failed;
  if (json) process.stdout.write(`${JSON.stringify({ seed, passed, failed, targets: results })}\n`);
  else process.stdout.write(`${passed} targets passed, ${failed} failed\n`);
  return failed === 0 ? 0 : 1;
}

/** So that a target does the same alone and among others. */
function seedOf(seed: number, name: string): number {
  return createHash("sha256").update(`${seed} ${name}`).digest().readUInt32BE();
}

/** Tells of one target, and writes its findings into files. */
function say(target: string, { inputs, behaviours, findings }: FuzzReport): Result {
  const verdict = findings.length === 0 ? "ok" : "FAILED";
  process.stderr.write(
    `[fuzz] ${target}: ${inputs} inputs, ${behaviours} behaviours, ${verdict}\n`,
  );
  const written = findings.map(({ fault, input }) => {
    const name = `${target}-${createHash("sha256").update(input).digest("hex").substring(0, 8)}`;
    const file = join(FOLDER, name);
    mkdirSync(join(ROOT, FOLDER), { recursive: true });
    writeFileSync(join(ROOT, file), input);
    process.stderr.write(`  ${fault}\n  npm run fuzz -- --target ${target} --input ${file}\n`);
    return { fault, file };
  });
  return { target, inputs, behaviours, findings: written };
}
