// SPDX-License-Identifier: Apache-2.0

import { expect, it } from "vitest";
import { type EntryContent, isBootAggregate } from "./entry.ts";

const entry: EntryContent = {
  pcr: 10,
  template: "ima-sig",
  digest: { algorithm: "sha256", value: new Uint8Array(32) },
  path: "boot_aggregate",
  signature: null,
  buffer: null,
};

it("knows the boot aggregate at the beginning of the list", () => {
  expect(isBootAggregate(entry, 0)).toBe(true);
});

it("takes a file of that name elsewhere, another first record and a violation for what they are", () => {
  expect(isBootAggregate(entry, 1)).toBe(false);
  expect(isBootAggregate({ ...entry, path: "/boot_aggregate" }, 0)).toBe(false);
  expect(isBootAggregate({ ...entry, digest: null }, 0)).toBe(false);
});
