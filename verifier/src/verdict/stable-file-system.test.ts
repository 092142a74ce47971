// SPDX-License-Identifier: Apache-2.0

import { statfsSync } from "node:fs";
import { expect, it } from "vitest";
import { isStableFileSystem } from "./stable-file-system.ts";

it.each([
  ["no file", 0],
  ["ext4", 0xef53],
  ["overlay", 0x794c7630],
  ["tmpfs", 0x01021994],
])("takes %s for stable", (_, magic) => {
  expect(isStableFileSystem(magic)).toBe(true);
});

it.each([
  ["FUSE", 0x65735546],
  ["NFS", 0x6969],
  ["9p", 0x01021997],
  ["CIFS", 0xff534d42],
  ["what it does not know", 0x12345678],
])("takes %s for unstable", (_, magic) => {
  expect(isStableFileSystem(magic)).toBe(false);
});

it("knows no other file system by the number that the kernel gives proc", () => {
  expect(isStableFileSystem(statfsSync("/proc").type)).toBe(false);
});
