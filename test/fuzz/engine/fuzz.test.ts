// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from "vitest";
import { sizedMutator } from "../mutate/sized.ts";
import { fuzz } from "./fuzz.ts";
import { ALLOCATED_MAX, GROWTH_MAX } from "./limits.ts";
import { Random } from "./random.ts";
import { BrokenPromise, type FuzzTarget } from "./target.ts";

const CODES = new Map([["TpmError", new Set(["BYTES_SHORT"])]]);

/** A decoder of `u8 kind | u8 size | bytes` that does as it should, but for `change`. */
function target(change: Partial<FuzzTarget>): FuzzTarget {
  return {
    name: "planted",
    seeds: [Uint8Array.of(1, 3, 7, 7, 7)],
    mutators: [sizedMutator({ width: 1, little: false })],
    inputMax: 64,
    errors: ["TpmError"],
    run: (input) => String(input[0] === 1),
    ...change,
  };
}

function findings(
  change: Partial<FuzzTarget>,
  { inputs = 3000, clock = (): number => 0, seed = 5 } = {},
): string[] {
  const options = { random: new Random(seed), codes: CODES, clock };
  const report = fuzz(target(change), { ...options, isOver: (n) => n >= inputs });
  return report.findings.map(({ fault }) => fault);
}

class TpmError extends Error {
  override readonly name = "TpmError";
  readonly code: string;

  constructor(code: string) {
    super(`${code} of 17 bytes`);
    this.code = code;
  }
}

describe("the fuzzer finds", () => {
  it("nothing in a decoder that keeps its promises", () => {
    const run = (input: Uint8Array): string => {
      if (input.length < 2) throw new TpmError("BYTES_SHORT");
      return "ok";
    };
    expect(findings({ run })).toEqual([]);
  });

  it("a foreign exception behind a size that fits", () => {
    const run = (input: Uint8Array): string => {
      if (input[0] === 1 && input[1] === 9 && input.length === 11) throw new RangeError("planted");
      return "ok";
    };
    expect(findings({ run }, { inputs: 20_000 })).toEqual([
      expect.stringContaining("RangeError: planted"),
    ]);
  });

  it("an error of ours whose code is not documented", () => {
    const run = (): string => {
      throw new TpmError("INVENTED");
    };
    expect(findings({ run })).toEqual([expect.stringContaining("INVENTED")]);
  });

  it("a broken promise", () => {
    const run = (input: Uint8Array): string => {
      if (input.length === 0) throw new BrokenPromise("planted");
      return "ok";
    };
    expect(findings({ run })).toEqual(["planted"]);
  });

  it("an input that takes too long, each time", () => {
    let now = 0;
    const run = (input: Uint8Array): string => {
      now += input.length > 40 ? 1000 : 1;
      return "ok";
    };
    expect(findings({ run }, { clock: () => now })).toEqual([
      expect.stringMatching(/takes more than \d+ ms/),
    ]);
  });

  it("no fault in an input that took long once", () => {
    let now = 0;
    let runs = 0;
    const run = (): string => {
      now += runs++ === 100 ? 1000 : 1;
      return "ok";
    };
    expect(findings({ run }, { clock: () => now })).toEqual([]);
  });

  it("an input that allocates without bound", () => {
    // Held, or a collection in the middle of an attempt would take it away again.
    const held: Uint8Array[] = [];
    const run = (input: Uint8Array): string => {
      held.push(new Uint8Array(input[0] === 0xff ? 8 * ALLOCATED_MAX : 0));
      return "ok";
    };
    const found = findings({ run, seeds: [Uint8Array.of(0xff)] }, { inputs: 2 });
    expect(found).toEqual([expect.stringContaining("allocates more than")]);
  });

  it("memory that is kept", () => {
    const kept: Uint8Array[] = [];
    const run = (): string => {
      kept.push(new Uint8Array((3 * GROWTH_MAX) / 30_000));
      return "ok";
    };
    expect(findings({ run }, { inputs: 30_001 })).toEqual([
      expect.stringContaining("memory grew by more than"),
    ]);
  });

  it("a decoder that writes into its input, or reads beside it", () => {
    const writes = (input: Uint8Array): string => {
      input.fill(0);
      return "ok";
    };
    expect(findings({ run: writes })).toEqual(["changes its input"]);
    const before: number[] = [];
    const run = (input: Uint8Array): string => {
      before.push(new Uint8Array(input.buffer)[0] ?? 0);
      return "ok";
    };
    findings({ run });
    expect(new Set(before)).toEqual(new Set([0xa5]));
  });

  it("a result that is another one the second time", () => {
    let runs = 0;
    expect(findings({ run: () => String(runs++) })).toEqual(["not the same twice"]);
  });
});

describe("the inputs", () => {
  const inputsOf = (seed: number): string[] => {
    const inputs: string[] = [];
    const run = (input: Uint8Array): string => {
      inputs.push(Buffer.from(input).toString("hex"));
      return String(input.length);
    };
    findings({ run }, { seed, inputs: 500 });
    return inputs;
  };

  it("are the same for the same seed, and others for another", () => {
    expect(inputsOf(1)).toEqual(inputsOf(1));
    expect(inputsOf(1)).not.toEqual(inputsOf(2));
  });

  it("begin with the seeds and are never too long", () => {
    const inputs = inputsOf(3);
    expect(inputs[0]).toBe("0103070707");
    expect(inputs.every((input) => input.length <= 128)).toBe(true);
  });

  it("that show a fault are made short", () => {
    const run = (input: Uint8Array): string => {
      if (input.includes(0x42)) throw new BrokenPromise("planted");
      return "ok";
    };
    const options = { random: new Random(9), codes: CODES, clock: () => 0 };
    const report = fuzz(target({ run }), { ...options, isOver: (n) => n >= 20_000 });
    expect(report.findings.map(({ input }) => [...input])).toEqual([[0x42]]);
  });
});
