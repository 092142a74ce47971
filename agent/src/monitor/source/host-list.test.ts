// SPDX-License-Identifier: Apache-2.0

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { appendFileSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { IMA_PCR, parseMeasurementList } from "@nsattest/ns-ima";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { hostListRecord } from "../../../test/host-list-record.ts";
import { HostList } from "./host-list.ts";

const RECORDS = ["boot_aggregate", "/bin/a", "/bin/b", "/bin/c"].map((path, n) =>
  Buffer.from(hostListRecord(path, n + 1).bytes),
);
const WHOLE = Buffer.concat(RECORDS);
const UNREADABLE = expect.objectContaining({ code: "HOST_LIST" });

let folder: string;
let source: string;
let spool: string;
let list: HostList;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "nsattest-list-"));
  source = join(folder, "list");
  spool = join(folder, "spool");
  writeFileSync(source, "");
  list = new HostList(source, spool);
});

afterEach(() => {
  list.close();
  rmSync(folder, { recursive: true });
});

function recordsFrom(from: number): Buffer {
  return Buffer.from(list.bytesFrom(from));
}

it("reads what is new each time, and keeps all of it", () => {
  expect(list.readToEnd()).toBe(0);
  RECORDS.forEach((record, n) => {
    appendFileSync(source, record);
    expect(list.readToEnd()).toBe(n + 1);
    expect(list.readToEnd()).toBe(n + 1);
  });
  expect(list.length).toBe(WHOLE.length);
  expect(list.entries).toBe(RECORDS.length);
  expect(recordsFrom(0)).toEqual(WHOLE);
  expect(recordsFrom(RECORDS[0]?.length ?? 0)).toEqual(Buffer.concat(RECORDS.slice(1)));
  expect(recordsFrom(WHOLE.length)).toEqual(Buffer.alloc(0));
});

it("counts a record once it is whole, in whatever parts the kernel gives it", () => {
  fc.assert(
    fc.property(fc.array(fc.nat({ max: WHOLE.length }), { maxLength: 6 }), (cuts) => {
      writeFileSync(source, "");
      const growing = new HostList(source, spool);
      for (const end of [...cuts, WHOLE.length].sort((a, b) => a - b)) {
        writeFileSync(source, WHOLE.subarray(0, end));
        let whole = 0;
        let length = 0;
        for (const record of RECORDS) {
          if (length + record.length > end) break;
          length += record.length;
          whole++;
        }
        expect(growing.readToEnd()).toBe(whole);
        expect(Buffer.from(growing.bytesFrom(0))).toEqual(WHOLE.subarray(0, length));
      }
      growing.close();
    }),
  );
});

it("reads a record that is longer than one reading", () => {
  const long = hostListRecord(`/${"x".repeat(100_000)}`).bytes;
  appendFileSync(source, Buffer.concat([WHOLE, long]));
  expect(list.readToEnd()).toBe(RECORDS.length + 1);
  expect(recordsFrom(WHOLE.length)).toEqual(Buffer.from(long));
});

it("begins again after a restart: what an earlier process kept does not count", () => {
  appendFileSync(source, WHOLE);
  list.readToEnd();
  const again = new HostList(source, spool);
  expect(again.length).toBe(0);
  expect(again.readToEnd()).toBe(RECORDS.length);
  again.close();
});

it("goes on saying so when a record cannot be read: nothing behind it counts", () => {
  const altered = Buffer.from(WHOLE);
  altered[3] = 1;
  appendFileSync(source, altered);
  for (const _ of [1, 2]) expect(() => list.readToEnd()).toThrow(UNREADABLE);
  appendFileSync(source, RECORDS[1] ?? "");
  expect(() => list.readToEnd()).toThrow(UNREADABLE);
  expect(list.entries).toBe(0);
});

describe("the PCR while the kernel extends it without a pause", () => {
  const values = [new Uint8Array(32)];
  for (const { templateDigest } of parseMeasurementList(WHOLE).entries) {
    const extended = createHash("sha256")
      .update(values.at(-1) ?? "")
      .update(templateDigest);
    values.push(new Uint8Array(extended.digest()));
  }
  const recall = (wanted: Uint8Array | undefined): Uint8Array | null => {
    const isWanted = (value: Uint8Array | undefined): boolean =>
      Buffer.compare(value ?? new Uint8Array(), wanted ?? new Uint8Array()) === 0;
    const found = list.recallPcrs("sha256", [IMA_PCR], (pcrs) => isWanted(pcrs.get(IMA_PCR)));
    return found && (found.get(IMA_PCR) ?? null);
  };

  it("is known after each record, from the one found last on", () => {
    appendFileSync(source, Buffer.concat(RECORDS.slice(0, 2)));
    list.readToEnd();
    for (const value of [values[0], values[1], values[1], values[2]]) {
      expect(recall(value)).toEqual(value);
    }
    expect(recall(values[4])).toBeNull();
    appendFileSync(source, Buffer.concat(RECORDS.slice(2)));
    list.readToEnd();
    expect(recall(values[4])).toEqual(values[4]);
    expect(recall(values[3])).toBeNull();
  });

  it("is not known when somebody else extended it", () => {
    appendFileSync(source, WHOLE);
    list.readToEnd();
    expect(recall(new Uint8Array(32).fill(1))).toBeNull();
    expect(recall(values[1])).toEqual(values[1]);
  });
});

describe("when the disk is full", () => {
  const limitFiles = (bytes: string): void => {
    execFileSync("prlimit", ["--pid", String(process.pid), `--fsize=${bytes}:`]);
  };

  afterEach(() => limitFiles("unlimited"));

  it("says so, and loses nothing: the kernel gives each record once", () => {
    writeFileSync(source, WHOLE);
    limitFiles("100");
    for (const _ of [1, 2]) expect(() => list.readToEnd()).toThrow(UNREADABLE);
    expect(list.length).toBe(0);
    limitFiles("unlimited");
    expect(list.readToEnd()).toBe(RECORDS.length);
    expect(recordsFrom(0)).toEqual(WHOLE);
  });
});

it("refuses an offset beyond what was read", () => {
  appendFileSync(source, WHOLE);
  list.readToEnd();
  expect(() => list.bytesFrom(WHOLE.length + 1)).toThrow(
    expect.objectContaining({ code: "LIST_SHRANK" }),
  );
});

it("says so when somebody cut what was kept", () => {
  appendFileSync(source, WHOLE);
  list.readToEnd();
  truncateSync(spool, 10);
  expect(() => list.bytesFrom(0)).toThrow(UNREADABLE);
  expect(() => list.bytesFrom(WHOLE.length)).toThrow(UNREADABLE);
});

it.each([
  ["the list", "no/list", "spool"],
  ["the spool", "list", "no/spool"],
])("says so when %s cannot be opened", (_, from, to) => {
  expect(() => new HostList(join(folder, from), join(folder, to))).toThrow(UNREADABLE);
});
