// SPDX-License-Identifier: Apache-2.0

import {
  appendFileSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { LogRecord } from "@nsattest/ns-ima";
import { afterEach, beforeEach, expect, it } from "vitest";
import { LogFile } from "./log-file.ts";

let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "nsattest-log-"));
  path = join(folder, "namespace.log");
});

afterEach(() => rmSync(folder, { recursive: true }));

function record(n: number): LogRecord {
  return {
    tag: new Uint8Array(32).fill(n),
    salt: new Uint8Array(32).fill(n + 1),
    event: Uint8Array.of(n),
  };
}

it("finds everything again after a restart", () => {
  const log = new LogFile(path);
  expect(log.isEmpty).toBe(true);
  log.append([record(1), record(2)], 100);
  log.seal();
  log.append([record(3)], 200);
  log.close();
  const again = new LogFile(path);
  expect(again.batches()).toEqual([[record(1), record(2)]]);
  expect(again.unsealed).toEqual([record(3)]);
  expect(again.ringPosition).toBe(200);
  again.close();
});

it("seals nothing when there is nothing", () => {
  const log = new LogFile(path);
  expect(log.seal()).toBeNull();
  expect(log.batchCount).toBe(0);
  log.close();
});

it("gives batches from an index on", () => {
  const log = new LogFile(path);
  for (let n = 0; n < 3; n++) {
    log.append([record(n)], n);
    log.seal();
  }
  expect(log.batches(1)).toEqual([[record(1)], [record(2)]]);
  expect(log.batches(3)).toEqual([]);
  log.close();
});

it("cuts off a torn tail wherever it was torn, and keeps what stands before it", () => {
  const log = new LogFile(path);
  log.append([record(1)], 10);
  log.seal();
  const whole = readFileSync(path).length;
  log.append([record(2)], 20);
  log.close();
  const full = readFileSync(path);
  for (let length = whole; length < full.length; length++) {
    writeFileSync(path, full.subarray(0, length));
    const again = new LogFile(path);
    expect(again.batches()).toEqual([[record(1)]]);
    expect(again.unsealed).toEqual([]);
    expect(again.ringPosition).toBe(10);
    again.append([record(3)], 30);
    again.close();
    const after = new LogFile(path);
    expect(after.unsealed).toEqual([record(3)]);
    after.close();
  }
});

it("takes damaged bytes for a torn tail", () => {
  const log = new LogFile(path);
  log.append([record(1)], 10);
  log.close();
  appendFileSync(path, Buffer.from("ffffffff00000000", "hex"));
  const again = new LogFile(path);
  expect(again.unsealed).toEqual([record(1)]);
  again.close();
});

it("refuses a seal that does not fit its records", () => {
  const log = new LogFile(path);
  log.append([record(1)], 10);
  const withoutSeal = readFileSync(path).length;
  log.seal();
  log.close();
  const full = readFileSync(path);
  writeFileSync(path, full.subarray(withoutSeal));
  expect(() => new LogFile(path)).toThrow(expect.objectContaining({ code: "LOG_CORRUPT" }));
});

it("is held by one writer only", () => {
  const log = new LogFile(path);
  expect(() => new LogFile(path)).toThrow(expect.objectContaining({ code: "LOG_HELD" }));
  log.close();
  new LogFile(path).close();
});

it("says so when sealed records are gone", () => {
  const log = new LogFile(path);
  log.append([record(1)], 10);
  log.seal();
  truncateSync(path, 3);
  expect(() => log.batches()).toThrow(expect.objectContaining({ code: "LOG_IO" }));
  log.close();
});
