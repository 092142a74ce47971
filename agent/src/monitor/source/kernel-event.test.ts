// SPDX-License-Identifier: Apache-2.0

import { expect, it } from "vitest";
import { ringRecord } from "../../../test/ring-record.ts";
import { decodeKernelEvent } from "./kernel-event.ts";

it("decodes an execution", () => {
  expect(decodeKernelEvent(ringRecord({ flags: 4 }))).toEqual({
    kind: "execution",
    how: "exec",
    place: {
      cgroups: [77, 5],
      mountNamespace: 101,
      pidNamespace: 102,
      pidAncestors: [],
      process: 4321,
    },
    path: "/bin/x",
    pathUnknown: false,
    script: true,
    writable: false,
    file: 0,
    digest: { algorithm: "sha256", value: new Uint8Array(32).fill(0xab) },
    fsMagic: 0x794c7630,
  });
});

it("names a cgroup below the reported levels first", () => {
  const event = decodeKernelEvent(ringRecord({ cgroup: 99, ancestors: [1, 2, 3, 4, 5, 6, 7, 8] }));
  expect(event.place.cgroups).toEqual([99, 8, 7, 6, 5, 4, 3, 2, 1]);
});

it.each([
  ["an errno", 0xffff_ffa1],
  ["an algorithm IMA does not measure with", 17],
])("gives no digest for %s", (_, algorithm) => {
  expect(decodeKernelEvent(ringRecord({ algorithm }))).toMatchObject({ digest: null });
});

it("decodes the owner of a list entry and of a violation", () => {
  const templateDigest = new Uint8Array(32).fill(0xab);
  expect(decodeKernelEvent(ringRecord({ kind: 5, path: "" }))).toMatchObject({
    kind: "measured",
    templateDigest,
    violation: false,
  });
  const digest = new Uint8Array(64);
  expect(decodeKernelEvent(ringRecord({ kind: 5, path: "", flags: 16, digest }))).toMatchObject({
    violation: true,
  });
});

it("keeps the bytes of a path", () => {
  expect(decodeKernelEvent(ringRecord({ path: "/a\n\xff b" }))).toMatchObject({
    path: "/a\n\xff b",
  });
});

it.each([
  ["an unknown kind", ringRecord({ kind: 9 })],
  ["bytes behind the path", Buffer.concat([ringRecord(), Uint8Array.of(0)])],
  ["a path longer than the record", ringRecord({ pathLength: 7 })],
  ["a path longer than the kernel sends", ringRecord({ pathLength: 5000 })],
  ["a path with a NUL", ringRecord({ path: "/bin/x\0y" })],
  ["an owner of a violation that has a digest", ringRecord({ kind: 5, flags: 16 })],
  ["an owner without the digest of its entry", ringRecord({ kind: 5, digest: new Uint8Array(64) })],
  ["nothing", new Uint8Array(0)],
])("refuses %s", (_, bytes) => {
  expect(() => decodeKernelEvent(bytes)).toThrow(expect.objectContaining({ code: "KERNEL_EVENT" }));
});
