// SPDX-License-Identifier: Apache-2.0

import { ByteWriter } from "@nsattest/tpm";
import fc from "fast-check";
import { expect, it } from "vitest";
import { decodeKernelEvent } from "./kernel-event.ts";

interface Fields {
  kind?: number;
  flags?: number;
  cgroup?: number;
  ancestors?: readonly number[];
  algorithm?: number;
  path?: string;
  pathLength?: number;
}

/** `struct event` of ns-ima/kernel/event.h. */
function record(fields: Fields = {}): Uint8Array {
  const {
    kind = 1,
    flags = 0,
    cgroup = 77,
    ancestors = [5, 77],
    algorithm = 4,
    path = "/bin/x",
  } = fields;
  const writer = new ByteWriter().u32le(kind).u32le(flags).u64le(cgroup);
  for (let level = 0; level < 8; level++) writer.u64le(ancestors[level] ?? 0);
  writer.u32le(101).u32le(102).u32le(4321).u32le(0x794c7630).u32le(algorithm);
  writer.u32le(fields.pathLength ?? path.length).bytes(new Uint8Array(64).fill(0xab));
  return writer.bytes(Buffer.from(path, "latin1")).finish();
}

it("decodes an execution", () => {
  expect(decodeKernelEvent(record({ flags: 4 }))).toEqual({
    kind: "execution",
    how: "exec",
    place: { cgroups: [77, 5], mountNamespace: 101, pidNamespace: 102, process: 4321 },
    path: "/bin/x",
    pathUnknown: false,
    script: true,
    digest: { algorithm: "sha256", value: new Uint8Array(32).fill(0xab) },
    fsMagic: 0x794c7630,
  });
});

it("names a cgroup below the reported levels first", () => {
  const event = decodeKernelEvent(record({ cgroup: 99, ancestors: [1, 2, 3, 4, 5, 6, 7, 8] }));
  expect(event.place.cgroups).toEqual([99, 8, 7, 6, 5, 4, 3, 2, 1]);
});

it.each([
  ["an errno", 0xffff_ffa1],
  ["an algorithm IMA does not measure with", 17],
])("gives no digest for %s", (_, algorithm) => {
  expect(decodeKernelEvent(record({ algorithm }))).toMatchObject({ digest: null });
});

it("decodes the owner of a list entry and of a violation", () => {
  const templateDigest = new Uint8Array(32).fill(0xab);
  expect(decodeKernelEvent(record({ kind: 5, path: "" }))).toMatchObject({
    kind: "measured",
    templateDigest,
    violation: false,
  });
  expect(decodeKernelEvent(record({ kind: 5, path: "", flags: 16 }))).toMatchObject({
    violation: true,
  });
});

it("keeps the bytes of a path", () => {
  expect(decodeKernelEvent(record({ path: "/a\n\xff b" }))).toMatchObject({ path: "/a\n\xff b" });
});

it.each([
  ["an unknown kind", record({ kind: 9 })],
  ["bytes behind the path", Buffer.concat([record(), Uint8Array.of(0)])],
  ["a path longer than the record", record({ pathLength: 7 })],
  ["a path longer than the kernel sends", record({ pathLength: 5000 })],
  ["nothing", new Uint8Array(0)],
])("refuses %s", (_, bytes) => {
  expect(() => decodeKernelEvent(bytes)).toThrow(expect.objectContaining({ code: "KERNEL_EVENT" }));
});

it("never throws anything but its own error", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      try {
        decodeKernelEvent(bytes);
      } catch (error) {
        expect(error).toMatchObject({ code: "KERNEL_EVENT" });
      }
    }),
  );
});
