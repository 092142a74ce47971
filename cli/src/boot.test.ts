// SPDX-License-Identifier: Apache-2.0

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parsePolicySet } from "@nsattest/verifier";
import { afterAll, describe, expect, it } from "vitest";
import { policyDocuments } from "../../test/fakes/verifier-bench.ts";
import { readEventLog } from "../../tpm/test/event-log-vector.ts";
import { compareBoot } from "../../verifier/src/boot/compare-boot.ts";
import { proveBoot } from "../../verifier/src/boot/proven-boot.ts";
import { boot } from "./boot.ts";

const folder = mkdtempSync(join(tmpdir(), "nsattest-boot-"));
const file = join(folder, "log");
const { log, commandLine, pcrs } = readEventLog("6.12");
writeFileSync(file, log);
afterAll(() => rmSync(folder, { recursive: true }));

async function run(...args: readonly string[]): Promise<string> {
  let written = "";
  const code = await boot(args, {
    ...{ outBytes: null, env: {}, signal: new AbortController().signal },
    out: (text) => {
      written += text;
    },
    err: () => undefined,
  });
  expect(code).toBe(0);
  return written;
}

describe("nsattest boot reference", () => {
  it("makes what a verifier takes, and what that boot fits", async () => {
    const policy = await run("reference", file, "--command-line", commandLine);
    const { boots } = parsePolicySet(policyDocuments({ "boot-policy.json": policy }));
    const quoted = new Map(pcrs.sha256?.map((hex, index) => [index, Buffer.from(hex, "hex")]));
    const proven = proveBoot(null, log, quoted, "sha256");
    if (proven === null || boots.others === null) throw new Error();
    expect(compareBoot(proven, boots.others)).toEqual({
      unexpected: [],
      missing: [],
      measuresImaPolicy: true,
    });
  });

  it("knows digests only of a command line that it was not told", async () => {
    const policy = await run("reference", file, "--name", "lab", "--node", "a".repeat(64));
    expect(JSON.parse(policy)).toMatchObject({
      references: [{ name: "lab", nodes: ["a".repeat(64)] }],
    });
    expect(policy).not.toContain("commandLines");
    expect(policy).toContain("LOADED_IMAGE::LoadOptions");
  });

  it.each<[string, readonly string[], string]>([
    ["another command line", ["reference", file, "--command-line", "quiet"], "FILE"],
    ["a file that is not there", ["reference", join(folder, "none")], "FILE"],
    ["a file that is no log", ["reference", import.meta.filename], "BYTES_SHORT"],
    ["a bank that the log does not have", ["reference", file, "--bank", "sha512"], "EVENT_LOG"],
    ["a bank that is none", ["reference", file, "--bank", "md5"], "USAGE"],
    ["no log", ["reference"], "USAGE"],
    ["another word", ["check", file], "USAGE"],
  ])("refuses %s", async (_, args, code) => {
    await expect(run(...args)).rejects.toMatchObject({ code });
  });

  it("says what it does when it is asked", async () => {
    expect(await run("--help")).toContain("nsattest boot reference LOG");
  });
});
