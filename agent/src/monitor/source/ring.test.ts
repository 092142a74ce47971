// SPDX-License-Identifier: Apache-2.0

import { expect, it } from "vitest";
import { DISCARDED, KernelRing } from "../../../test/kernel-ring.ts";

const PAGE = 4096;
const SIZE = 4096;

it("reads committed records in order and releases nothing by itself", () => {
  const kernel = new KernelRing();
  kernel.send(Uint8Array.of(1, 2, 3));
  kernel.send(Uint8Array.of(4));
  const ring = kernel.reader();
  const chunk = ring.read(ring.position, 10);
  expect(chunk.records).toEqual([Uint8Array.of(1, 2, 3), Uint8Array.of(4)]);
  expect(chunk.position).toBe(ring.producerPosition());
  expect(kernel.released()).toBe(0);
  ring.release(chunk.position);
  expect(kernel.released()).toBe(chunk.position);
});

it("reads again what was read but not released, as after a crash", () => {
  const kernel = new KernelRing();
  kernel.send(Uint8Array.of(7));
  kernel.reader().read(0, 10);
  expect(kernel.reader().read(0, 10).records).toEqual([Uint8Array.of(7)]);
});

it("stops at a record the kernel still writes, and goes on behind it later", () => {
  const kernel = new KernelRing();
  const busy = kernel.begin(Uint8Array.of(1));
  kernel.send(Uint8Array.of(2));
  const ring = kernel.reader();
  expect(ring.read(0, 10)).toEqual({ records: [], position: 0 });
  expect(ring.producerPosition()).toBe(32);
  kernel.commit(busy, 1);
  expect(ring.read(0, 10).records).toEqual([Uint8Array.of(1), Uint8Array.of(2)]);
});

it("skips discarded records but moves over them", () => {
  const kernel = new KernelRing();
  kernel.commit(kernel.begin(Uint8Array.of(1)), 1, DISCARDED);
  kernel.send(Uint8Array.of(2));
  expect(kernel.reader().read(0, 10)).toEqual({ records: [Uint8Array.of(2)], position: 32 });
});

it("reads a record that wraps around the end of the data", () => {
  const kernel = new KernelRing();
  const ring = kernel.reader();
  for (let sent = 0; sent < 40; sent++) {
    kernel.send(new Uint8Array(200).fill(sent));
    const chunk = ring.read(ring.position, 10);
    expect(chunk.records).toEqual([new Uint8Array(200).fill(sent)]);
    ring.release(chunk.position);
  }
  expect(ring.position).toBeGreaterThan(SIZE);
});

it("hands out copies: the kernel may reuse the memory", () => {
  const kernel = new KernelRing();
  kernel.send(Uint8Array.of(9));
  const { records } = kernel.reader().read(0, 10);
  new Uint8Array(kernel.producer).fill(0, PAGE);
  expect(records).toEqual([Uint8Array.of(9)]);
});

it("reads no more records than asked for", () => {
  const kernel = new KernelRing();
  for (let i = 0; i < 3; i++) kernel.send(Uint8Array.of(i));
  const ring = kernel.reader();
  const first = ring.read(0, 2);
  expect(first.records).toHaveLength(2);
  expect(ring.read(first.position, 2).records).toEqual([Uint8Array.of(2)]);
});

it("refuses a length that no record of this ring can have", () => {
  const kernel = new KernelRing();
  kernel.begin(Uint8Array.of(1), 0);
  kernel.commit(0, SIZE);
  expect(() => kernel.reader().read(0, 1)).toThrow(
    expect.objectContaining({ code: "KERNEL_EVENT" }),
  );
});

it("skips what was safe before, and only that", () => {
  const kernel = new KernelRing();
  kernel.send(Uint8Array.of(1));
  kernel.send(Uint8Array.of(2));
  const ring = kernel.reader();
  ring.skipTo(16);
  expect(kernel.released()).toBe(16);
  expect(ring.read(ring.position, 10).records).toEqual([Uint8Array.of(2)]);
  ring.release(32);
  ring.skipTo(16);
  expect(ring.position).toBe(32);
});

it("does not skip to where the kernel has not been: it would look full to it", () => {
  const kernel = new KernelRing();
  kernel.send(Uint8Array.of(1));
  expect(() => kernel.reader().skipTo(24)).toThrow(
    expect.objectContaining({ code: "KERNEL_EVENT" }),
  );
  expect(kernel.released()).toBe(0);
});
