// SPDX-License-Identifier: Apache-2.0

import { readFileSync } from "node:fs";
import { BOOT_PCRS } from "@nsattest/tpm";
import { describe, expect, it } from "vitest";
import { type ProvenBoot, proveBoot } from "./proven-boot.ts";

interface Vector {
  readonly aggregate: string;
  readonly pcrs: { readonly sha256: readonly string[] };
  readonly eventLog: string;
}

const file = new URL("../../../tpm/test/vectors/event-log/ovmf-6.12.json", import.meta.url);
const { aggregate, pcrs, eventLog } = JSON.parse(readFileSync(file, "utf8")) as Vector;
const LOG = new Uint8Array(Buffer.from(eventLog, "base64"));
/** What the TPM of that boot quoted. */
const QUOTED: ReadonlyMap<number, Uint8Array> = new Map(
  BOOT_PCRS.map((index) => [index, Buffer.from(pcrs.sha256[index] ?? "", "hex")]),
);

function prove(log: Uint8Array | null, known: ProvenBoot | null = null): ProvenBoot | null {
  return proveBoot(known, log, QUOTED, "sha256");
}

describe("proveBoot", () => {
  it("knows what a real machine booted, and what its kernel found in the PCRs", () => {
    const boot = prove(LOG);
    expect(boot?.events).toContainEqual({
      pcr: 4,
      type: "EV_EFI_BOOT_SERVICES_APPLICATION",
      text: "kernel",
      digest: expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
    });
    expect(boot?.aggregates.get("sha256")).toBe(aggregate);
    expect([...(boot?.aggregates.keys() ?? [])]).toEqual(["sha1", "sha256", "sha384"]);
  });

  it("keeps no memory of the log", () => {
    const copy = new Uint8Array(LOG);
    const boot = prove(copy);
    copy.fill(0);
    expect(boot).toEqual(prove(LOG));
  });

  it("goes on with what it knows, whatever comes with it", () => {
    const known = prove(LOG);
    expect(prove(null, known)).toBe(known);
    expect(prove(new Uint8Array(3), known)).toBe(known);
  });

  it("is nothing without a log", () => {
    expect(prove(null)).toBeNull();
  });

  it.each(BOOT_PCRS)("refuses another value of PCR %i, also later", (index) => {
    const known = prove(LOG);
    const quoted = new Map(QUOTED).set(index, new Uint8Array(32).fill(9));
    for (const before of [null, known]) {
      expect(() => proveBoot(before, LOG, quoted, "sha256")).toThrow(
        expect.objectContaining({
          code: "BOOT_LOG_MISMATCH",
          message: expect.stringContaining(`PCR ${index} `),
        }),
      );
    }
  });

  it("refuses a PCR that was not quoted", () => {
    const quoted = new Map(QUOTED);
    quoted.delete(14);
    expect(() => proveBoot(null, LOG, quoted, "sha256")).toThrow(
      expect.objectContaining({ code: "BOOT_LOG_MISMATCH" }),
    );
  });

  it.each([
    ["no log", new Uint8Array(3), "sha256"],
    ["a log without the bank", LOG, "sha512"],
  ] as const)("refuses %s", (_, log, bank) => {
    expect(() => proveBoot(null, log, QUOTED, bank)).toThrow(
      expect.objectContaining({ code: "BOOT_LOG_MALFORMED" }),
    );
  });
});
