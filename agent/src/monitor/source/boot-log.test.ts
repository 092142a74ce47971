// SPDX-License-Identifier: Apache-2.0

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EVENT_LOG_MAX } from "@nsattest/tpm";
import { afterAll, expect, it } from "vitest";
import { readBootLog } from "./boot-log.ts";

const folder = mkdtempSync(join(tmpdir(), "nsattest-boot-log-"));
const path = join(folder, "log");
afterAll(() => rmSync(folder, { recursive: true }));

it.each([0, 1, 100_000, EVENT_LOG_MAX])("reads a log of %i bytes whole", (size) => {
  writeFileSync(path, new Uint8Array(size).fill(7));
  const log = readBootLog(path);
  expect(log?.length).toBe(size);
  expect(log?.every((byte) => byte === 7)).toBe(true);
});

it("is null where there is none", () => {
  expect(readBootLog(join(folder, "missing"))).toBeNull();
});

it("refuses one that no verifier would take, and what is no file", () => {
  writeFileSync(path, new Uint8Array(EVENT_LOG_MAX + 1));
  for (const bad of [path, folder]) {
    expect(() => readBootLog(bad)).toThrow(expect.objectContaining({ code: "BOOT_LOG" }));
  }
});
