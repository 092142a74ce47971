// SPDX-License-Identifier: Apache-2.0

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encodeEvent } from "@nsattest/protocol";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { AgentError } from "../../error.ts";
import { type BootIdentity, beginLog, type FirstStart } from "./begin.ts";
import { LogFile } from "./log-file.ts";
import { NamespaceLog } from "./namespace-log.ts";

const IDENTITY: BootIdentity = {
  bootId: "0d8c6f5e-6d3a-4c89-9f43-0a7d3c1a2b4e",
  kernel: "6.1.0",
  resetCount: 3,
  restartCount: 0,
};
const random = (length: number): Uint8Array => new Uint8Array(length).fill(9);
const FIRST: FirstStart = {
  baseline: async () => new Uint8Array(32).fill(4),
  hostEntries: () => 12,
  programs: () => [],
  version: "0.1.0",
  random,
};
/** A start that is not the first one has nothing to find out. */
const LATER: FirstStart = {
  ...FIRST,
  baseline: () => Promise.reject(new Error("the PCR has moved on")),
  hostEntries: () => {
    throw new Error("the list has grown");
  },
};

let folder: string;
let file: LogFile;
let log: NamespaceLog;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "nsattest-begin-"));
  open();
});

afterEach(() => {
  file.close();
  rmSync(folder, { recursive: true });
});

function open(): void {
  file = new LogFile(join(folder, "namespace.log"));
  log = new NamespaceLog(file, random);
}

function restart(): void {
  file.close();
  open();
}

describe("the first start", () => {
  it("writes down what the node was", async () => {
    const { boot, fresh } = await beginLog(log, IDENTITY, FIRST);
    expect(fresh).toBe(true);
    expect(boot).toEqual({
      kind: "boot",
      ns: "host",
      tag: random(32),
      ...IDENTITY,
      baseline: new Uint8Array(32).fill(4),
      hostEntries: 12,
      programs: [],
      version: "0.1.0",
    });
    expect([...log.history()]).toEqual([boot]);
  });

  it("writes nothing when something cannot be found out", async () => {
    const unfinished = new AgentError("BPF_PINS", "the loader did not finish");
    const first = {
      ...FIRST,
      hostEntries: (): never => {
        throw unfinished;
      },
    };
    await expect(beginLog(log, IDENTITY, first)).rejects.toThrow(unfinished);
    expect(file.unsealed).toEqual([]);
  });
});

describe("a later start", () => {
  beforeEach(async () => {
    await beginLog(log, IDENTITY, FIRST);
  });

  it("finds the beginning, and is fresh as long as nothing else was written", async () => {
    restart();
    const found = await beginLog(log, IDENTITY, LATER);
    expect(found).toMatchObject({ fresh: true, boot: { hostEntries: 12 } });
    log.append([{ kind: "mark", ns: "host", index: 12 }]);
    restart();
    expect(await beginLog(log, IDENTITY, LATER)).toMatchObject({ fresh: false });
  });

  it("does not mind a kernel that names itself differently: the boot is the same", async () => {
    const identity = { ...IDENTITY, kernel: "6.1.0-renamed" };
    expect(await beginLog(log, identity, LATER)).toMatchObject({ boot: { kernel: "6.1.0" } });
  });

  it.each([
    ["boot id", { bootId: "1d8c6f5e-6d3a-4c89-9f43-0a7d3c1a2b4e" }],
    ["TPM reset", { resetCount: 4 }],
    ["TPM restart", { restartCount: 1 }],
  ])("refuses a log of another %s", async (_, other) => {
    await expect(beginLog(log, { ...IDENTITY, ...other }, LATER)).rejects.toMatchObject({
      code: "LOG_OTHER_BOOT",
    });
  });
});

it("refuses a log that begins with anything else", async () => {
  const event = encodeEvent({ kind: "mark", ns: "host", index: 1 });
  file.append([{ tag: random(32), salt: random(32), event }], 0);
  await expect(beginLog(log, IDENTITY, FIRST)).rejects.toMatchObject({ code: "LOG_CORRUPT" });
});
