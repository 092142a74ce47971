// SPDX-License-Identifier: Apache-2.0

import { expect, it } from "vitest";
import { RingReader } from "./ring.ts";

const PAGE = 4096;
const SIZE = 4096;
const BUSY = 0x8000_0000;
const DISCARDED = 0x4000_0000;

/** The kernel's side of the memory (kernel/bpf/ringbuf.c): it writes headers and data, and moves the producer's position. */
class KernelSide {
  readonly consumer = new ArrayBuffer(PAGE);
  readonly producer = new ArrayBuffer(PAGE + 2 * SIZE);
  #position = 0;

  begin(data: Uint8Array, flags = BUSY): number {
    const at = this.#position;
    this.#header(at, data.length | flags);
    // Data is mapped twice, one behind the other.
    for (const [i, byte] of data.entries()) {
      const offset = (at + 8 + i) % SIZE;
      const bytes = new Uint8Array(this.producer, PAGE);
      bytes[offset] = byte;
      bytes[offset + SIZE] = byte;
    }
    this.#position += 8 + Math.ceil(data.length / 8) * 8;
    new DataView(this.producer).setBigUint64(0, BigInt(this.#position), true);
    return at;
  }

  commit(at: number, length: number, flags = 0): void {
    this.#header(at, length | flags);
  }

  released(): number {
    return Number(new DataView(this.consumer).getBigUint64(0, true));
  }

  send(data: Uint8Array): void {
    this.commit(this.begin(data), data.length);
  }

  #header(at: number, value: number): void {
    for (const copy of [0, SIZE]) {
      new DataView(this.producer, PAGE).setUint32((at % SIZE) + copy, value >>> 0, true);
    }
  }
}

function ringOf(kernel: KernelSide): RingReader {
  return new RingReader(kernel.consumer, kernel.producer, SIZE);
}

it("reads committed records in order and releases nothing by itself", () => {
  const kernel = new KernelSide();
  kernel.send(Uint8Array.of(1, 2, 3));
  kernel.send(Uint8Array.of(4));
  const ring = ringOf(kernel);
  const chunk = ring.read(ring.position, 10);
  expect(chunk.records).toEqual([Uint8Array.of(1, 2, 3), Uint8Array.of(4)]);
  expect(chunk.position).toBe(ring.producerPosition());
  expect(kernel.released()).toBe(0);
  ring.release(chunk.position);
  expect(kernel.released()).toBe(chunk.position);
});

it("reads again what was read but not released, as after a crash", () => {
  const kernel = new KernelSide();
  kernel.send(Uint8Array.of(7));
  ringOf(kernel).read(0, 10);
  expect(ringOf(kernel).read(0, 10).records).toEqual([Uint8Array.of(7)]);
});

it("stops at a record the kernel still writes, and goes on behind it later", () => {
  const kernel = new KernelSide();
  const busy = kernel.begin(Uint8Array.of(1));
  kernel.send(Uint8Array.of(2));
  const ring = ringOf(kernel);
  expect(ring.read(0, 10)).toEqual({ records: [], position: 0 });
  expect(ring.producerPosition()).toBe(32);
  kernel.commit(busy, 1);
  expect(ring.read(0, 10).records).toEqual([Uint8Array.of(1), Uint8Array.of(2)]);
});

it("skips discarded records but moves over them", () => {
  const kernel = new KernelSide();
  kernel.commit(kernel.begin(Uint8Array.of(1)), 1, DISCARDED);
  kernel.send(Uint8Array.of(2));
  expect(ringOf(kernel).read(0, 10)).toEqual({ records: [Uint8Array.of(2)], position: 32 });
});

it("reads a record that wraps around the end of the data", () => {
  const kernel = new KernelSide();
  const ring = ringOf(kernel);
  for (let sent = 0; sent < 40; sent++) {
    kernel.send(new Uint8Array(200).fill(sent));
    const chunk = ring.read(ring.position, 10);
    expect(chunk.records).toEqual([new Uint8Array(200).fill(sent)]);
    ring.release(chunk.position);
  }
  expect(ring.position).toBeGreaterThan(SIZE);
});

it("hands out copies: the kernel may reuse the memory", () => {
  const kernel = new KernelSide();
  kernel.send(Uint8Array.of(9));
  const { records } = ringOf(kernel).read(0, 10);
  new Uint8Array(kernel.producer).fill(0, PAGE);
  expect(records).toEqual([Uint8Array.of(9)]);
});

it("reads no more records than asked for", () => {
  const kernel = new KernelSide();
  for (let i = 0; i < 3; i++) kernel.send(Uint8Array.of(i));
  const ring = ringOf(kernel);
  const first = ring.read(0, 2);
  expect(first.records).toHaveLength(2);
  expect(ring.read(first.position, 2).records).toEqual([Uint8Array.of(2)]);
});

it("refuses a length that no record of this ring can have", () => {
  const kernel = new KernelSide();
  kernel.begin(Uint8Array.of(1), 0);
  kernel.commit(0, SIZE);
  expect(() => ringOf(kernel).read(0, 1)).toThrow(
    expect.objectContaining({ code: "KERNEL_EVENT" }),
  );
});
