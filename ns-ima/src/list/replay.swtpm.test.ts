// SPDX-License-Identifier: Apache-2.0

import { spawnSync } from "node:child_process";
import { hash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ContentCache } from "./content-cache.ts";
import { encodeEntry, type RecordFields } from "./encode-entry.ts";
import { DEFAULT_LIST_PINS } from "./list-pins.ts";
import { parseMeasurementList } from "./measurement-list.ts";
import { initialListState, type ReplayedList, replayList } from "./replay.ts";

const sha256 = (content: string): Buffer => hash("sha256", content, "buffer");

const file = (path: string, content: string): RecordFields => ({
  pcr: 10,
  template: "ima-sig",
  digest: { algorithm: "sha256", value: sha256(content) },
  path,
  signature: null,
  buffer: null,
});

const contents: RecordFields[] = [
  file("boot_aggregate", "aggregate"),
  {
    ...file("kernel_version", "6.1"),
    template: "ima-buf",
    buffer: Buffer.from("6.1"),
  },
  { ...file("/usr/bin/signed", "signed"), signature: Uint8Array.of(3, 2, 4, 0, 0, 0, 0, 0, 0) },
  { ...file("/mnt/vio", ""), digest: null },
  { ...file("/mnt/vio", "changed"), template: "ima-ng" },
  file("/mnt/\xfc_name", "last"),
];
const list = Buffer.concat(contents.map((fields) => encodeEntry(fields)));
const { entries } = parseMeasurementList(list);

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

const replay = (pcr: Buffer): ReplayedList =>
  replayList(initialListState(DEFAULT_LIST_PINS), list, new Map([[10, pcr]]), new ContentCache());

/** PCR 10 after `count` records, as a TPM computes it. */
function pcrAfter(count: number): Buffer {
  return entries.slice(0, count).reduce<Buffer>((pcr, { violation, templateDigest }) => {
    const extended = violation ? Buffer.alloc(32, 0xff) : templateDigest;
    return hash("sha256", Buffer.concat([pcr, extended]), "buffer");
  }, Buffer.alloc(32));
}

const { CI } = process.env;
const installed = spawnSync("evmctl", ["--version"]).error === undefined;

// Another reader of the same list: evmctl of ima-evm-utils.
describe.skipIf(!installed && CI === undefined)("evmctl", () => {
  let folder = "";
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "ns-ima-evmctl-"));
    writeFileSync(join(folder, "list"), list);
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  /** Lets evmctl replay the list to PCR 10 = `pcr`, in the format of the kernel's `pcrs` file. */
  function evmctl(pcr: Buffer): { status: number | null; output: string } {
    const pcrs = Array.from({ length: 24 }, (_, index) => {
      const value = hex(index === 10 ? pcr : Buffer.alloc(32)).replace(/..(?!$)/g, "$& ");
      return `PCR-${String(index).padStart(2, "0")}: ${value.toUpperCase()}\n`;
    });
    writeFileSync(join(folder, "pcrs"), pcrs.join(""));
    const { status, stdout, stderr } = spawnSync(
      "evmctl",
      [
        "ima_measurement",
        "-v",
        // Without it evmctl extends zeros for a violation; the kernel extends ff.
        "--ignore-violations",
        "--verify-bank=sha256",
        `--pcrs=sha256,${join(folder, "pcrs")}`,
        join(folder, "list"),
      ],
      { encoding: "latin1" },
    );
    return { status, output: stdout + stderr };
  }

  it.each(entries.map((_, index) => index + 1))("matches at record %i, as we do", (count) => {
    const { status, output } = evmctl(pcrAfter(count));
    expect(status).toBe(0);
    expect(output).toContain(`sha256 PCR-10: succeed at entry ${count}\n`);
    expect(replay(pcrAfter(count)).contents).toHaveLength(count);
  });

  it("matches no other value, as we do not", () => {
    const foreign = sha256("foreign");
    expect(evmctl(foreign).status).not.toBe(0);
    expect(() => replay(foreign)).toThrow(/no prefix/);
  });

  it("reads the same fields", () => {
    const { output } = evmctl(pcrAfter(entries.length));
    for (const { pcr, listDigest, template, digest, path } of entries) {
      const shown = `sha256:${hex(digest?.value ?? new Uint8Array(32))}`;
      expect(output).toContain(`${pcr} ${hex(listDigest)} ${template} ${shown} ${path}`);
    }
  });
});
