// SPDX-License-Identifier: Apache-2.0

import { randomInt } from "node:crypto";
import { parseArgs } from "node:util";

/** What the command line asks for. */
export interface Options {
  /** For each target. */
  readonly seconds: number;
  /** Names of targets; empty for all. */
  readonly targets: readonly string[];
  readonly seed: number;
  readonly json: boolean;
  /** A reproduction file to try instead, with one target. */
  readonly input: string | null;
}

export const USAGE = `npm run fuzz -- [--seconds N] [--target NAME]... [--seed S] [--input FILE] [--json]

Gives hostile inputs to every decoder and looks whether it keeps what it promises. Inputs that show a fault are written
to files; --target NAME --input FILE tries one again.

Exit code: 0 without findings, 1 with findings, 2 for wrong arguments.
`;

const SECONDS = 60;
const SEED_LIMIT = 2 ** 32;

/** @throws Error for what is not in {@link USAGE} */
export function parseOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seconds: { type: "string", default: String(SECONDS) },
      target: { type: "string", multiple: true, default: [] },
      seed: { type: "string", default: String(randomInt(SEED_LIMIT)) },
      input: { type: "string" },
      json: { type: "boolean", default: false },
    },
  });
  const { target: targets, input = null, json } = values;
  if (input !== null && targets.length !== 1) throw new Error("--input needs one --target");
  const [seconds, seed] = [Number(values.seconds), Number(values.seed)];
  if (!(seconds > 0)) throw new Error("--seconds: a number above 0");
  if (!Number.isInteger(seed) || seed < 0 || seed >= SEED_LIMIT) {
    throw new Error("--seed: an integer below 2^32");
  }
  return { seconds, targets, seed, json, input };
}
