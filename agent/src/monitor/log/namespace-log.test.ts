// SPDX-License-Identifier: Apache-2.0

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type BootEvent, HOST, type MarkEvent, type NsOpenEvent } from "@nsattest/ns-ima";
import { afterEach, beforeEach, expect, it } from "vitest";
import { LogFile } from "./log-file.ts";
import { NamespaceLog } from "./namespace-log.ts";

const HOST_TAG = new Uint8Array(32).fill(0xaa);
const WEB_TAG = new Uint8Array(32).fill(0xbb);

const BOOT: BootEvent = {
  kind: "boot",
  ns: HOST,
  tag: HOST_TAG,
  bootId: "0d8c6f5e-6d3a-4c89-9f43-0a7d3c1a2b4e",
  kernel: "6.1",
  resetCount: 1,
  restartCount: 0,
  baseline: new Uint8Array(32),
  hostEntries: 1,
  programs: [],
  version: "0.1.0",
};
const OPEN: NsOpenEvent = {
  kind: "ns-open",
  ns: "web/1",
  tag: WEB_TAG,
  cgroup: 7,
  mountNamespace: 1,
  pidNamespace: 2,
  runtime: "oci",
  declared: true,
  privileged: [],
  labels: [],
};
const CLOSE = { kind: "ns-close", ns: "web/1", executions: 0, reason: "poststop" } as const;
const MARK: MarkEvent = { kind: "mark", ns: HOST, index: 1 };

let folder: string;
let file: LogFile;
let log: NamespaceLog;
let salts: number;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "nsattest-log-"));
  salts = 0;
  open();
});

afterEach(() => {
  file.close();
  rmSync(folder, { recursive: true });
});

function open(): void {
  file = new LogFile(join(folder, "namespace.log"));
  log = new NamespaceLog(file, (length) => new Uint8Array(length).fill(++salts));
}

it("gives every record its namespace's tag and a salt of its own", () => {
  log.append([BOOT, OPEN, CLOSE, MARK]);
  expect(file.unsealed.map(({ tag }) => tag)).toEqual([HOST_TAG, WEB_TAG, WEB_TAG, HOST_TAG]);
  expect(new Set(file.unsealed.map(({ salt }) => salt[0])).size).toBe(4);
  expect([...log.history()]).toEqual([BOOT, OPEN, CLOSE, MARK]);
});

it("knows the tags again after a restart, sealed or not", () => {
  log.append([BOOT]);
  file.seal();
  log.append([OPEN]);
  file.close();
  open();
  log.append([CLOSE, MARK]);
  file.seal();
  expect(log.batches(1)[0]?.map(({ tag }) => tag)).toEqual([WEB_TAG, WEB_TAG, HOST_TAG]);
  expect([...log.history()]).toEqual([BOOT, OPEN, CLOSE, MARK]);
});

it("keeps the ring's position for events that are not from the ring", () => {
  log.append([BOOT], 64);
  log.append([MARK]);
  expect(file.ringPosition).toBe(64);
});

it("takes nothing for a namespace that was never opened", () => {
  log.append([BOOT]);
  expect(() => log.append([MARK, CLOSE])).toThrow(
    expect.objectContaining({ code: "CONTAINER_UNKNOWN" }),
  );
  expect([...log.history()]).toEqual([BOOT]);
});

it("takes nothing of what nobody could read, and does not count it as opened", () => {
  log.append([BOOT]);
  const unreadable = { ...OPEN, labels: [["name", "two\nlines"] as const] };
  expect(() => log.append([unreadable])).toThrow(
    expect.objectContaining({ code: "FIELD_INVALID" }),
  );
  expect(() => log.append([CLOSE])).toThrow(expect.objectContaining({ code: "CONTAINER_UNKNOWN" }));
});
