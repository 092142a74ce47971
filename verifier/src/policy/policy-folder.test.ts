// SPDX-License-Identifier: Apache-2.0

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { policyDocuments } from "../../../test/fakes/verifier-bench.ts";
import { readPolicyFolder } from "./policy-folder.ts";
import { parsePolicySet } from "./policy-set.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "nsattest-policies-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe("readPolicyFolder", () => {
  it("reads the .json files, and nothing else", async () => {
    for (const [name, text] of policyDocuments()) writeFileSync(join(folder, name), text);
    writeFileSync(join(folder, "README.md"), "not a policy");
    writeFileSync(join(folder, ".hidden.json"), "not a policy");
    const { version } = await readPolicyFolder(folder);
    expect(version).toBe(parsePolicySet(policyDocuments()).version);
  });

  it("refuses a folder that is not there, and a file it cannot read", async () => {
    const invalid = expect.objectContaining({ code: "POLICY_INVALID" });
    await expect(readPolicyFolder(join(folder, "none"))).rejects.toEqual(invalid);
    mkdirSync(join(folder, "node-policy.json"));
    await expect(readPolicyFolder(folder)).rejects.toEqual(invalid);
  });
});
