// SPDX-License-Identifier: Apache-2.0

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { anchorDigest, extendAnchor, type LogRecord } from "@nsattest/ns-ima";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { SoftwareTpm } from "../../../test/software-tpm.ts";
import { LogFile } from "../log/log-file.ts";
import { Anchor } from "./anchor.ts";

const BASELINE = new Uint8Array(32);
const FOREIGN = expect.objectContaining({ code: "LOG_FOREIGN_EXTEND" });
const GONE = expect.objectContaining({ code: "DEVICE_IO" });

let folder: string;
let tpm: SoftwareTpm;
let log: LogFile;
let anchor: Anchor;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "nsattest-anchor-"));
  tpm = new SoftwareTpm();
  start();
});

afterEach(() => {
  log.close();
  rmSync(folder, { recursive: true });
});

function start(): void {
  log = new LogFile(join(folder, "namespace.log"));
  anchor = new Anchor(tpm, log, BASELINE);
}

/** The process ends as by SIGKILL, another one takes its place. */
function restart(): void {
  log.close();
  start();
}

function append(n: number): void {
  const record: LogRecord = {
    tag: new Uint8Array(32).fill(n),
    salt: new Uint8Array(32).fill(n + 1),
    event: Uint8Array.of(n),
  };
  log.append([record], n);
}

function replayed(bank: "sha1" | "sha256" = "sha256"): Uint8Array {
  const zero: Uint8Array = new Uint8Array(bank === "sha1" ? 20 : 32);
  return log.batches().reduce((pcr, batch) => extendAnchor(pcr, batch, bank), zero);
}

async function expectAnchored(batches: number): Promise<void> {
  expect(log.batchCount).toBe(batches);
  expect(tpm.extends).toBe(batches);
  expect(Buffer.from(tpm.anchor("sha256"))).toEqual(Buffer.from(replayed("sha256")));
  expect(Buffer.from(tpm.anchor("sha1"))).toEqual(Buffer.from(replayed("sha1")));
}

describe("flush", () => {
  it("extends every bank with what is new, once", async () => {
    append(1);
    append(2);
    await anchor.flush();
    await anchor.flush();
    append(3);
    await anchor.flush();
    await expectAnchored(2);
    expect(log.batches().map(({ length }) => length)).toEqual([2, 1]);
  });

  it("does nothing when there is nothing", async () => {
    await anchor.flush();
    await expectAnchored(0);
  });

  it("begins at the baseline that the log was begun with", async () => {
    const digests = new Map([
      ["sha1", new Uint8Array(20)],
      ["sha256", new Uint8Array(32)],
    ] as const);
    tpm.extendBanks(digests);
    const baseline = await tpm.readAnchor("sha256");
    append(1);
    await new Anchor(tpm, log, baseline).flush();
    const [batch = []] = log.batches();
    expect(tpm.anchor()).toEqual(extendAnchor(baseline, batch));
  });
});

describe("after a restart", () => {
  beforeEach(async () => {
    append(1);
    await anchor.flush();
  });

  it("goes on", async () => {
    append(2);
    restart();
    await anchor.flush();
    await expectAnchored(2);
  });

  it("makes up for the extend when the process ended between seal and extend", async () => {
    append(2);
    log.seal();
    append(3);
    restart();
    await anchor.flush();
    await expectAnchored(3);
  });

  it("does not extend again when the process ended right after the extend", async () => {
    append(2);
    tpm.nextExtend = "fails done";
    await expect(anchor.flush()).rejects.toThrow(GONE);
    restart();
    await anchor.flush();
    await expectAnchored(2);
  });

  it("refuses when more than one sealed batch is missing in the TPM", async () => {
    append(2);
    log.seal();
    append(3);
    log.seal();
    restart();
    await expect(anchor.flush()).rejects.toThrow(FOREIGN);
  });

  it("refuses when the log lost what was anchored", async () => {
    log.close();
    rmSync(join(folder, "namespace.log"));
    start();
    await expect(anchor.flush()).rejects.toThrow(FOREIGN);
    append(1);
    await expect(anchor.flush()).rejects.toThrow(FOREIGN);
    expect(tpm.extends).toBe(1);
  });
});

describe("when the TPM fails", () => {
  it.each([
    ["before it has extended", "fails undone"],
    ["after it has extended", "fails done"],
  ] as const)("%s, the batch counts once, and the next one comes behind it", async (_, outcome) => {
    append(1);
    tpm.nextExtend = outcome;
    await expect(anchor.flush()).rejects.toThrow(GONE);
    append(2);
    await anchor.flush();
    await expectAnchored(2);
  });

  it("again and again, nothing is sealed meanwhile: only the last batch may be missing", async () => {
    append(1);
    for (let n = 2; n < 5; n++) {
      tpm.nextExtend = "fails undone";
      await expect(anchor.flush()).rejects.toThrow(GONE);
      append(n);
    }
    expect(log.batchCount).toBe(1);
    await anchor.flush();
    await expectAnchored(2);
  });
});

describe("when somebody else extends the PCR", () => {
  beforeEach(async () => {
    append(1);
    await anchor.flush();
    tpm.extendBanks(
      new Map([
        ["sha1", new Uint8Array(20)],
        ["sha256", new Uint8Array(32)],
      ] as const),
    );
  });

  it("it is seen at the next start", async () => {
    restart();
    await expect(anchor.flush()).rejects.toThrow(FOREIGN);
    expect(tpm.extends).toBe(2);
  });

  it("it is seen when an extend has failed", async () => {
    append(2);
    tpm.nextExtend = "fails undone";
    await expect(anchor.flush()).rejects.toThrow(GONE);
    for (const _ of [1, 2]) await expect(anchor.flush()).rejects.toThrow(FOREIGN);
  });

  it("it is seen though a batch of ours came behind it", async () => {
    restart();
    append(2);
    const batch = log.seal() ?? [];
    const digests = (["sha1", "sha256"] as const).map(
      (bank) => [bank, anchorDigest(batch, bank)] as const,
    );
    tpm.extendBanks(new Map(digests));
    await expect(anchor.flush()).rejects.toThrow(FOREIGN);
  });
});

it("refuses a PCR that somebody extended before the first batch", async () => {
  tpm.extendBanks(
    new Map([
      ["sha1", new Uint8Array(20)],
      ["sha256", new Uint8Array(32)],
    ] as const),
  );
  await expect(anchor.flush()).rejects.toThrow(FOREIGN);
});
