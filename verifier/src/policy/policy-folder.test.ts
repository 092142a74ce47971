// SPDX-License-Identifier: Apache-2.0

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { vectorKey } from "../../../ns-ima/test/signature-vectors.ts";
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

  it("reads keys as they are, whatever their bytes", async () => {
    const { spki } = vectorKey("p256");
    for (const [name, text] of policyDocuments()) writeFileSync(join(folder, name), text);
    writeFileSync(join(folder, "key.der"), spki);
    writeFileSync(join(folder, "keys.pem"), "# none\n");
    const { version, documents } = await readPolicyFolder(folder);
    const files = JSON.parse(documents) as Record<string, string>;
    expect(files["key.der"]).toBe(spki.toString("base64"));
    expect(files["keys.pem"]).toBe("# none\n");
    writeFileSync(join(folder, "key.der"), spki.subarray(1));
    expect((await readPolicyFolder(folder)).version).not.toBe(version);
  });

  it("refuses what is too large or no UTF-8, naming each", async () => {
    for (const [name, text] of policyDocuments()) writeFileSync(join(folder, name), text);
    const largest = Math.max(...[...policyDocuments().values()].map((text) => text.length));
    await expect(readPolicyFolder(folder, largest)).resolves.toBeDefined();
    writeFileSync(join(folder, "large.pem"), " ".repeat(largest + 1));
    writeFileSync(join(folder, "latin.pem"), Buffer.of(0xfc));
    await expect(readPolicyFolder(folder, largest)).rejects.toMatchObject({
      code: "POLICY_INVALID",
      problems: expect.arrayContaining([
        expect.stringContaining(`large.pem: Error: larger than ${largest} bytes`),
        expect.stringContaining("latin.pem: "),
      ]),
    });
  });

  it("refuses a folder that is not there, and a file it cannot read", async () => {
    const invalid = expect.objectContaining({ code: "POLICY_INVALID" });
    await expect(readPolicyFolder(join(folder, "none"))).rejects.toEqual(invalid);
    mkdirSync(join(folder, "node-policy.json"));
    await expect(readPolicyFolder(folder)).rejects.toEqual(invalid);
  });
});
