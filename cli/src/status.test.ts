// SPDX-License-Identifier: Apache-2.0

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { status } from "./status.ts";
import type { Surroundings } from "./surroundings.ts";

let folder: string;
let written: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "nsattest-status-"));
  written = "";
});

afterEach(() => rmSync(folder, { recursive: true }));

function surroundings(env: Record<string, string> = {}): Surroundings {
  const write = (text: string): void => {
    written += text;
  };
  return { out: write, outBytes: null, err: write, env, signal: new AbortController().signal };
}

it("says how it is used", async () => {
  expect(await status(["--help"], surroundings())).toBe(0);
  expect(written).toContain("Usage: nsattest status");
});

it("refuses what it does not know", async () => {
  await expect(status(["--nope"], surroundings())).rejects.toMatchObject({ code: "USAGE" });
});

it.each([
  ["is not there", null],
  ["is not JSON", "{"],
  ["is no object", "3"],
  ["lacks a field", '{"url":"https://127.0.0.1:1"}'],
  [
    "names files that are not there",
    '{"url":"https://127.0.0.1:1","caFile":"a","certificateFile":"b","keyFile":"c"}',
  ],
])("says so when the access file %s", async (_, text) => {
  const file = join(folder, "access.json");
  if (text !== null) writeFileSync(file, text);
  await expect(status(["--access", file], surroundings())).rejects.toMatchObject({
    code: "ACCESS_FILE",
  });
});

it("takes the access file from the environment, and an unreachable verifier for an error", async () => {
  for (const name of ["ca", "crt", "key"]) writeFileSync(join(folder, name), "");
  const file = join(folder, "access.json");
  const access = {
    url: "https://127.0.0.1:1",
    caFile: "ca",
    certificateFile: "crt",
    keyFile: "key",
  };
  writeFileSync(file, JSON.stringify(access));
  await expect(status([], surroundings({ NSATTEST_ACCESS: file }))).rejects.toMatchObject({
    code: "VERIFIER_UNREACHABLE",
  });
});
