// SPDX-License-Identifier: Apache-2.0

import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isNodeId } from "@nsattest/protocol";
import { afterEach, beforeEach, expect, it } from "vitest";
import { loadNodeId } from "./node-id.ts";

let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "nsattest-id-"));
  path = join(folder, "node-id");
});

afterEach(() => rmSync(folder, { recursive: true }));

it("is made at random the first time, and kept", async () => {
  const id = await loadNodeId(path);
  expect(isNodeId(id)).toBe(true);
  expect(readFileSync(path, "utf8")).toBe(`${id}\n`);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(await loadNodeId(path)).toBe(id);
  expect(readdirSync(folder)).toEqual(["node-id"]);
  expect(await loadNodeId(join(folder, "other"))).not.toBe(id);
});

it("may be set by hand, as the hash of the EK too", async () => {
  const id = "a".repeat(64);
  writeFileSync(path, `  ${id}\n\n`);
  expect(await loadNodeId(path)).toBe(id);
});

it.each([
  ["empty", ""],
  ["something else", "node-1\n"],
  ["a path", "../0d8c6f5e-6d3a-4c89-9f43-0a7d3c1a2b4e"],
  ["in capitals", "0D8C6F5E-6D3A-4C89-9F43-0A7D3C1A2B4E"],
])("is not made anew when the file is %s", async (_, text) => {
  writeFileSync(path, text);
  await expect(loadNodeId(path)).rejects.toMatchObject({ code: "ENROL_FILE" });
  expect(readFileSync(path, "utf8")).toBe(text);
});

it.each([
  ["read", (): string => folder],
  ["written", (): string => join(folder, "no", "node-id")],
])("says so when it cannot be %s", async (_, where) => {
  await expect(loadNodeId(where())).rejects.toMatchObject({ code: "ENROL_FILE" });
});
