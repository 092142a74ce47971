// SPDX-License-Identifier: Apache-2.0

import { expect, it } from "vitest";
import { isBootAggregate } from "./entry.ts";

const digest = { algorithm: "sha256", value: new Uint8Array(32).fill(1) };
const entry = { digest, path: "boot_aggregate" };

it("knows the aggregate of a boot", () => {
  expect(isBootAggregate(entry)).toBe(true);
});

it("takes another name, a violation and an aggregate that is none for what they are", () => {
  expect(isBootAggregate({ ...entry, path: "/boot_aggregate" })).toBe(false);
  expect(isBootAggregate({ ...entry, digest: null })).toBe(false);
  const zeros = { ...digest, value: new Uint8Array(32) };
  expect(isBootAggregate({ ...entry, digest: zeros })).toBe(false);
});
