// SPDX-License-Identifier: Apache-2.0

/** What one benchmark found. Ratios only: the machine's own speed is in numerator and denominator. */
export interface Result {
  readonly name: string;
  readonly ratio: number;
  readonly target: number;
  /** `min`: the ratio is to be at least the target; `max`: at most. */
  readonly direction: "min" | "max";
  /** Measured in the same run: 1 would be the bare operations that cannot be left out. */
  readonly fractionOfLimit: number;
}

/** A benchmark: what it measures, in one line, and how. */
export interface Benchmark {
  readonly name: string;
  readonly says: string;
  /** `note` prints figures that explain the ratio. */
  run(note: (text: string) => void): Promise<readonly Result[]>;
}

/** True when the target is reached. */
export function isReached({ ratio, target, direction }: Result): boolean {
  return direction === "min" ? ratio >= target : ratio <= target;
}

/** One line for a person. */
export function renderResult(result: Result): string {
  const { name, ratio, target, direction, fractionOfLimit } = result;
  const sign = direction === "min" ? ">=" : "<=";
  const verdict = isReached(result) ? "reached" : "MISSED";
  return `${name.padEnd(20)} ${shown(ratio).padStart(8)}  ${sign} ${String(target).padEnd(6)} ${verdict.padEnd(8)} ${(100 * fractionOfLimit).toFixed(0).padStart(3)} % of the limit`;
}

function shown(ratio: number): string {
  return ratio >= 100 ? ratio.toFixed(0) : ratio.toPrecision(3);
}
