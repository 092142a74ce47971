// SPDX-License-Identifier: Apache-2.0

import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type KernelVector, vectorsOf } from "./kernel-vector.ts";

/** The banks that evmctl 1.4 takes from files. */
const BANKS = ["sha1", "sha256"];

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "nsattest-evmctl-"));
});

afterAll(() => rmSync(folder, { recursive: true }));

// The template `ima` beside others is more than evmctl reads; this boot has all the others.
describe.each(vectorsOf("custom-template"))("evmctl replays the list of $name", (vector) => {
  it.each(BANKS)("to PCRs 10, 11 and 12 of the %s bank", (bank) => {
    const { status, output } = measurement(vector, bank, vector.list);
    expect(output).toContain("Matched per TPM bank calculated digest(s).");
    for (const index of [10, 11, 12]) {
      expect(output).toContain(`${bank} PCR-${index}: succeed at entry ${vector.count}`);
    }
    expect(status).toBe(0);
  });

  it.each(BANKS)("and not when it is without its last record, for the %s bank", (bank) => {
    const last = vector.list.lastIndexOf("0a000000", "hex");
    const { status, output } = measurement(vector, bank, vector.list.subarray(0, last));
    expect(output).toContain("Failed to match");
    expect(status).not.toBe(0);
  });

  it("and computes the boot aggregate in its first record", () => {
    const { output } = evmctl("ima_boot_aggregate", "--pcrs", pcrFile(vector, "sha256"));
    const [aggregate] = /sha256:[0-9a-f]{64}/.exec(output) ?? [""];
    expect(vector.ascii.toString("latin1").split("\n")[0]).toContain(
      ` ${aggregate} boot_aggregate`,
    );
  });
});

function measurement(vector: KernelVector, bank: string, list: Buffer): ReturnType<typeof evmctl> {
  const file = join(folder, "list");
  writeFileSync(file, list);
  // That flag is needed for a list with violations, which are extended as ones with it and as zeros without.
  return evmctl(
    "ima_measurement",
    "-v",
    "--ignore-violations",
    "--pcrs",
    pcrFile(vector, bank),
    file,
  );
}

/** PCRs as `/sys/class/tpm/tpm0/device/pcrs` shows them. */
function pcrFile({ pcrs }: KernelVector, bank: string): string {
  const file = join(folder, bank);
  const lines = (pcrs.get(bank) ?? []).map((value, index) => {
    const bytes = value.toString("hex").toUpperCase().match(/../g) ?? [];
    return `PCR-${String(index).padStart(2, "0")}: ${bytes.join(" ")}\n`;
  });
  writeFileSync(file, lines.join(""));
  return `${bank},${file}`;
}

function evmctl(...args: readonly string[]): { status: number | null; output: string } {
  const { status, stdout, stderr } = spawnSync("evmctl", args, { encoding: "latin1" });
  return { status, output: stdout + stderr };
}
