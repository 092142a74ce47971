// SPDX-License-Identifier: Apache-2.0

import { Buffer } from "node:buffer";
import type { HashName } from "@nsattest/tpm";
import { describe, expect, it } from "vitest";
import { asciiForm, TEMPLATE_NAMES } from "../../test/ascii-form.ts";
import { KERNEL_VECTORS, type KernelVector } from "../../test/kernel-vector.ts";
import { ContentCache } from "./content-cache.ts";
import type { ListEntry } from "./entry.ts";
import { type ListPins, listPins } from "./list-pins.ts";
import type { ListPcrs } from "./list-position.ts";
import { parseMeasurementList } from "./measurement-list.ts";
import { initialListState, type ReplayedList, replayList } from "./replay.ts";

/** What the captures' policy extends. */
const PCRS = [10, 11, 12];

function pinsFor({ about }: KernelVector, bank: HashName, paddedSha1 = false): ListPins {
  const templates = [...TEMPLATE_NAMES, about.template];
  return listPins({ bank, pcrs: PCRS, templates, paddedSha1 });
}

function quotedBy({ pcrs }: KernelVector, bank: string): ListPcrs {
  return new Map(PCRS.map((index) => [index, pcrs.get(bank)?.[index] ?? Buffer.alloc(0)]));
}

function replay(vector: KernelVector, bank: HashName, paddedSha1 = false): ReplayedList {
  const state = initialListState(pinsFor(vector, bank, paddedSha1));
  return replayList(state, vector.list, quotedBy(vector, bank), new ContentCache());
}

function parse(vector: KernelVector, list = vector.list, column: HashName = "sha1"): ListEntry[] {
  const { templates } = pinsFor(vector, "sha256");
  const { entries, consumed } = parseMeasurementList(list, { templates, column });
  expect(consumed).toBe(list.length);
  return [...entries];
}

it("there are vectors of three kernels", () => {
  const kernels = new Set(KERNEL_VECTORS.map(({ name }) => name.split(".").slice(0, 2).join(".")));
  expect([...kernels].sort()).toEqual(["6.1", "6.12", "7.2"]);
});

describe.each(KERNEL_VECTORS)("$name", (vector) => {
  it("is read to its end, in as many records and violations as the kernel counts", () => {
    const entries = parse(vector);
    expect(entries).toHaveLength(vector.count);
    expect(entries.filter(({ violation }) => violation)).toHaveLength(vector.violations);
  });

  it("is what the kernel shows as text", () => {
    const text = Buffer.concat(parse(vector).map(asciiForm));
    expect(text.toString("latin1")).toBe(vector.ascii.toString("latin1"));
  });

  // Debian's 6.1 has SHA-384 and SHA-512 as modules, which are not there when IMA starts.
  const isPadded = (bank: string): boolean =>
    vector.name.startsWith("6.1.") && /^sha(?:384|512)$/.test(bank);

  it.each(vector.about.banks)("leads to all PCRs of the %s bank", (bank) => {
    const { state, contents } = replay(vector, bank as HashName, isPadded(bank));
    expect(contents).toHaveLength(vector.count);
    expect(state).toMatchObject({
      form: isPadded(bank) ? "padded-sha1" : "native",
      entries: vector.count,
      bytes: vector.list.length,
    });
    expect(state.pcrs).toEqual(
      new Map([...quotedBy(vector, bank)].map(([index, value]) => [index, new Uint8Array(value)])),
    );
  });

  it.each(vector.about.banks)("tells the form of the %s bank although both are allowed", (bank) => {
    const form = isPadded(bank) ? "padded-sha1" : "native";
    expect(replay(vector, bank as HashName, true).state.form).toBe(form);
  });

  it.each(vector.about.banks.filter(isPadded))("has no native digests in the %s bank", (bank) => {
    expect(() => replay(vector, bank as HashName)).toThrow(
      expect.objectContaining({ code: "LIST_REPLAY_MISMATCH" }),
    );
  });

  it.each([...vector.bankLists])(
    "shows the %s bank's digests of the same records",
    (bank, list) => {
      const entries = parse(vector, list, bank as HashName);
      const sha1 = parse(vector);
      const shown = entries.map((entry, index) =>
        asciiForm({ ...entry, listDigest: sha1[index]?.listDigest ?? new Uint8Array() }),
      );
      expect(Buffer.concat(shown).equals(vector.ascii)).toBe(true);
      if (bank !== "sha256") return;
      const column = (name: "templateDigest" | "listDigest"): Buffer =>
        Buffer.concat(entries.map((entry) => entry[name]));
      expect(column("templateDigest").equals(column("listDigest"))).toBe(true);
    },
  );
});
