// SPDX-License-Identifier: Apache-2.0

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { mutateBytes } from "../mutate/bytes.ts";
import { type Attempt, attempt, type KnownCodes } from "./attempt.ts";
import { Corpus } from "./corpus.ts";
import { GROWTH_MAX } from "./limits.ts";
import type { Random } from "./random.ts";
import { shrink } from "./shrink.ts";
import type { FuzzTarget } from "./target.ts";

/** An input that must not do what it does. */
export interface Finding {
  readonly fault: string;
  readonly input: Uint8Array;
}

/** What is known after a target was fuzzed. */
export interface FuzzReport {
  readonly inputs: number;
  readonly behaviours: number;
  readonly findings: readonly Finding[];
}

export interface FuzzOptions {
  readonly random: Random;
  readonly codes: KnownCodes;
  /** Milliseconds. */
  readonly clock: () => number;
  /** Asked after each input. */
  readonly isOver: (inputs: number) => boolean;
  /** Told of each input before it is tried, so that one that never ends is known to others. */
  readonly before?: (input: Uint8Array) => void;
  readonly after?: () => void;
}

/** After so many findings of one target there is enough to do. */
const FINDINGS_MAX = 5;
/** One input in so many is tried twice: the same input has to lead to the same. */
const TWICE = 64;
/** Inputs between two looks at the memory. */
const MEMORY_CHECK = 10_000;
/** Mutations of one input, at most. */
const MUTATIONS_MAX = 4;

/** Tries mutated inputs on `target` until it is over. Everything is chosen by `random`: one seed, one sequence of inputs. */
export function fuzz(target: FuzzTarget, options: FuzzOptions): FuzzReport {
  const { random, codes, clock, isOver, before, after } = options;
  const corpus = new Corpus(target.seeds);
  const findings = new Map<string, Finding>();
  const memory = new MemoryCheck();
  const tryOne = (input: Uint8Array): Attempt => {
    before?.(input);
    const result = attempt(target, input, codes, clock);
    after?.();
    return result;
  };
  let inputs = 0;
  let last: Uint8Array = new Uint8Array();
  do {
    const seed = target.seeds[inputs];
    const input = seed ?? next(target, corpus, random);
    const { behaviour, fault } = tryOne(input);
    inputs++;
    last = input;
    const again = fault === null && random.oneIn(TWICE) ? tryOne(input) : null;
    const found =
      fault ?? (again === null || again.behaviour === behaviour ? null : "not the same twice");
    if (found === null) corpus.note(input, behaviour);
    else if (!findings.has(kindOf(found))) {
      const isSame = (bytes: Uint8Array): boolean =>
        kindOf(tryOne(bytes).fault ?? "") === kindOf(found);
      findings.set(kindOf(found), { fault: found, input: shrink(input, isSame) });
    }
    if (inputs % MEMORY_CHECK === 0 && memory.grew()) {
      findings.set("memory", { fault: `memory grew by more than ${GROWTH_MAX} bytes`, input });
    }
  } while (!isOver(inputs) && findings.size < FINDINGS_MAX);
  if (memory.grew()) {
    findings.set("memory", { fault: `memory grew by more than ${GROWTH_MAX} bytes`, input: last });
  }
  return { inputs, behaviours: corpus.behaviours, findings: [...findings.values()] };
}

/** Two faults are one when they come from one place. */
function kindOf(fault: string): string {
  return fault.replace(/\d+/g, "#").split("\n").slice(0, 2).join(" ");
}

function next(target: FuzzTarget, corpus: Corpus, random: Random): Uint8Array {
  const made = target.generate && random.oneIn(2);
  let input = made && target.generate ? target.generate(random) : corpus.pick(random);
  const mutations = made ? random.below(2) : 1 + random.below(MUTATIONS_MAX);
  for (let n = 0; n < mutations; n++) {
    const structured = target.mutators.length > 0 && !random.oneIn(4);
    const mutate = structured ? random.pick(target.mutators) : mutateBytes;
    input = mutate(input, random, corpus.pick(random));
  }
  return input.length > target.inputMax ? input.slice(0, target.inputMax) : input;
}

/** What a target still holds when everything that can go has gone. */
class MemoryCheck {
  readonly #collect: () => void;
  #first: number | null = null;

  constructor() {
    setFlagsFromString("--expose-gc");
    this.#collect = runInNewContext("gc") as () => void;
  }

  /** The first look, after warming up, is what later ones are compared with. */
  grew(): boolean {
    this.#collect();
    const { heapUsed, external } = process.memoryUsage();
    const now = heapUsed + external;
    this.#first ??= now;
    return now - this.#first > GROWTH_MAX;
  }
}
