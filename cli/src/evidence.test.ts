// SPDX-License-Identifier: Apache-2.0

import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { CommandBench } from "../test/command-bench.ts";
import { EvidenceBench } from "../test/evidence-bench.ts";
import { evidence } from "./evidence.ts";

let sources: EvidenceBench;
let bench: CommandBench;

beforeAll(async () => {
  sources = await EvidenceBench.start();
  bench = sources.commands;
});
afterAll(() => sources.stop());

describe("nsattest evidence", () => {
  it("writes what the verifier stored, for its owner alone to read", async () => {
    expect(sources.bundle(sources.clean)).toMatchObject({
      node: sources.clean.id,
      pendingSeconds: 120,
    });
    expect(sources.bundle(sources.clean).rounds).toHaveLength(3);
    expect(sources.bundle(sources.clean).policies).toHaveLength(1);
    expect(statSync(sources.file(sources.clean)).mode & 0o777).toBe(0o600);
    const piped = await bench.run(evidence, [sources.clean.id]);
    expect(Buffer.from(piped.bytes).equals(readFileSync(sources.file(sources.clean)))).toBe(true);
    expect(piped.out).toBe("");
  });

  it("writes no bytes to a terminal, and nothing where it cannot", async () => {
    await expect(bench.run(evidence, [sources.clean.id], { terminal: true })).rejects.toMatchObject(
      {
        code: "TERMINAL",
      },
    );
    const nowhere = join(bench.folder, "none", "x");
    await expect(
      bench.run(evidence, [sources.clean.id, "--output", nowhere]),
    ).rejects.toMatchObject({
      code: "FILE",
    });
  });

  it("says what the verifier says of a node that it does not know", async () => {
    const unknown = "f49dc252-9d68-4752-a07d-a6f80480bb92";
    await expect(bench.run(evidence, [unknown])).rejects.toMatchObject({
      code: "VERIFIER_REFUSED",
      message: expect.stringContaining("NODE_UNKNOWN"),
    });
  });

  it.each([[[]], [["a", "b"]], [["--nope"]]])("refuses the arguments %j", async (args) => {
    await expect(bench.run(evidence, args)).rejects.toMatchObject({ code: "USAGE" });
  });

  it("says how it is used", async () => {
    const { code, out } = await bench.run(evidence, ["--help"]);
    expect([code, out]).toEqual([0, expect.stringContaining("Usage: nsattest evidence")]);
  });
});
