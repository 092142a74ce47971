// SPDX-License-Identifier: Apache-2.0

/** Runs of each piece of work: a median of fewer says nothing on a machine that others use too. */
const RUNS = 7;

/** One piece of work; `run` returns what it cost, in the same unit as the works it alternates with. */
export interface Work {
  readonly name: string;
  readonly run: () => number | Promise<number>;
}

/**
 * Median cost of each work. They take turns, so that whatever slows the machine down slows all of them; one round before the first
 * that counts warms up the code.
 */
export async function alternate(works: readonly Work[], runs: number = RUNS): Promise<number[]> {
  const costs = works.map((): number[] => []);
  for (let round = 0; round <= runs; round++) {
    for (const [index, work] of works.entries()) {
      const cost = await work.run();
      if (round > 0) costs[index]?.push(cost);
    }
  }
  return costs.map(median);
}

/** The middle value; of an even number, the lower one of the two. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[(sorted.length - 1) >> 1] ?? Number.NaN;
}

/** Nanoseconds that `work` takes. */
export function nanoseconds(work: () => void): number {
  const start = process.hrtime.bigint();
  work();
  return Number(process.hrtime.bigint() - start);
}
