// SPDX-License-Identifier: Apache-2.0

import { getHeapStatistics } from "node:v8";
import { ALLOCATED_MAX, ALLOCATED_PER_BYTE, ATTEMPTS, TIME_MAX } from "./limits.ts";
import { BrokenPromise, type FuzzTarget } from "./target.ts";

/** What a target did with one input. */
export interface Attempt {
  /** The same word for inputs that led to the same. */
  readonly behaviour: string;
  /** What must not be, or null. */
  readonly fault: string | null;
}

/** Codes that an error class may have, by the class's name. */
export type KnownCodes = ReadonlyMap<string, ReadonlySet<string>>;

/** What is not an input may be on both sides of it: a decoder that reads it has gone astray. */
const MARGIN = 16;
const MARGIN_BYTE = 0xa5;

/**
 * Runs `target` on `input` once, and again where time or memory were too much: only what is so each time is a fault.
 *
 * @param clock milliseconds of the thread
 */
export function attempt(
  target: FuzzTarget,
  input: Uint8Array,
  codes: KnownCodes,
  clock: () => number,
): Attempt {
  const timeMax = target.timeMax ?? TIME_MAX;
  const allocatedMax = (target.allocatedMax ?? ALLOCATED_MAX) + ALLOCATED_PER_BYTE * input.length;
  const first = measure(target, input, codes, clock);
  if (first.fault !== null) return first;
  let { elapsed, allocated } = first;
  for (let n = 1; n < ATTEMPTS && (elapsed > timeMax || allocated > allocatedMax); n++) {
    const again = measure(target, input, codes, clock);
    elapsed = Math.min(elapsed, again.elapsed);
    allocated = Math.min(allocated, again.allocated);
  }
  if (elapsed > timeMax) return { ...first, fault: `takes more than ${timeMax} ms` };
  if (allocated > allocatedMax) {
    return {
      ...first,
      fault: `allocates more than ${allocatedMax} bytes`,
    };
  }
  return first;
}

interface Measured extends Attempt {
  /** Milliseconds. */
  readonly elapsed: number;
  /** Bytes; less than nothing when memory was cleaned up meanwhile. */
  readonly allocated: number;
}

function measure(
  target: FuzzTarget,
  input: Uint8Array,
  codes: KnownCodes,
  clock: () => number,
): Measured {
  const surroundings = new Uint8Array(input.length + 2 * MARGIN).fill(MARGIN_BYTE);
  surroundings.set(input, MARGIN);
  const given = surroundings.subarray(MARGIN, MARGIN + input.length);
  const before = memory();
  const start = clock();
  const { behaviour, fault } = outcome(target, given, codes);
  const elapsed = clock() - start;
  const allocated = memory() - before;
  const changed = Buffer.compare(given, input) !== 0;
  return { behaviour, fault: fault ?? (changed ? "changes its input" : null), elapsed, allocated };
}

function memory(): number {
  const { used_heap_size, external_memory } = getHeapStatistics();
  return used_heap_size + external_memory;
}

function outcome(target: FuzzTarget, input: Uint8Array, codes: KnownCodes): Attempt {
  try {
    return { behaviour: `ok ${target.run(input)}`, fault: null };
  } catch (error) {
    if (error instanceof BrokenPromise) return { behaviour: "", fault: error.message };
    const { name, code, message, stack } = error as Partial<Error> & { code?: unknown };
    const known = name !== undefined && target.errors.includes(name);
    if (known && codes.get(name)?.has(String(code))) {
      return { behaviour: `${name} ${code} ${template(String(message))}`, fault: null };
    }
    return { behaviour: "", fault: `foreign exception: ${stack ?? String(error)}` };
  }
}

/** A message without what is different each time. */
function template(message: string): string {
  return message
    .replace(/"(?:[^"\\]|\\.)*"?/g, '""')
    .replace(/0x[0-9a-f]+|\d+/g, "#")
    .substring(0, 120);
}
