// SPDX-License-Identifier: Apache-2.0

import { execFileSync } from "node:child_process";
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
import { EVENT_MAX } from "@nsattest/protocol";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { LogFile } from "./log-file.ts";
import { encodeFrame } from "./log-frame.ts";

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
  // One append counts as a whole: else its ring position would stand for records that are not there.
  log.append([record(2), record(4)], 20);
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

describe("when the disk is full half-way through an append", () => {
  /** Lets this process write files up to `bytes`; it gets EFBIG then, after a part, as it would get ENOSPC. */
  const limitFiles = (bytes: string): void => {
    execFileSync("prlimit", ["--pid", String(process.pid), `--fsize=${bytes}:`]);
  };

  afterEach(() => limitFiles("unlimited"));

  it("says so, and the append does not count, neither now nor after a restart", () => {
    const log = new LogFile(path);
    log.append([record(1)], 10);
    const whole = readFileSync(path).length;
    limitFiles(String(whole + 100));
    expect(() => log.append([record(2), record(3)], 20)).toThrow(
      expect.objectContaining({ code: "LOG_IO" }),
    );
    expect(() => log.seal()).not.toThrow();
    limitFiles("unlimited");
    expect(readFileSync(path).length).toBeGreaterThan(whole);
    expect(log.ringPosition).toBe(10);
    log.append([record(4)], 40);
    log.close();
    const again = new LogFile(path);
    expect(again.batches()).toEqual([[record(1)]]);
    expect(again.unsealed).toEqual([record(4)]);
    again.close();
  });

  it("seals later what it could not seal", () => {
    const log = new LogFile(path);
    log.append([record(1)], 10);
    limitFiles(String(readFileSync(path).length + 3));
    expect(() => log.seal()).toThrow(expect.objectContaining({ code: "LOG_IO" }));
    expect(log.batchCount).toBe(0);
    limitFiles("unlimited");
    expect(log.seal()).toEqual([record(1)]);
    log.close();
    const again = new LogFile(path);
    expect(again.batches()).toEqual([[record(1)]]);
    again.close();
  });
});

it.each([
  ["cannot be made", "no/namespace.log"],
  ["is a folder", "."],
])("says so when the file %s", (_, name) => {
  expect(() => new LogFile(join(folder, name))).toThrow(
    expect.objectContaining({ code: "LOG_IO" }),
  );
});

it("keeps the largest event there can be", () => {
  const log = new LogFile(path);
  const largest = { ...record(1), event: new Uint8Array(EVENT_MAX).fill(7) };
  log.append([largest], 10);
  log.close();
  const again = new LogFile(path);
  expect(again.unsealed).toEqual([largest]);
  again.close();
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
  const corrupt = expect.objectContaining({ code: "LOG_CORRUPT" });
  expect(() => new LogFile(path)).toThrow(corrupt);
  // The file is let go: it is still what is wrong with it that is said.
  expect(() => new LogFile(path)).toThrow(corrupt);
});

it("refuses a seal within an append", () => {
  const frame = { kind: "record", ringPosition: 1, more: true, record: record(1) } as const;
  writeFileSync(path, Buffer.concat([encodeFrame(frame), encodeFrame({ kind: "seal", count: 0 })]));
  expect(() => new LogFile(path)).toThrow(expect.objectContaining({ code: "LOG_CORRUPT" }));
});

it("says so when sealed records are of another kind now", () => {
  const log = new LogFile(path);
  log.append([record(1)], 10);
  log.seal();
  const { length } = readFileSync(path);
  truncateSync(path, 0);
  truncateSync(path, length);
  expect(() => log.batches()).toThrow(expect.objectContaining({ code: "LOG_CORRUPT" }));
  log.close();
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
