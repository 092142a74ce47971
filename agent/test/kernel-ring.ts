// SPDX-License-Identifier: Apache-2.0

import { RingReader } from "../src/monitor/source/ring.ts";

const PAGE = 4096;
export const BUSY = 0x8000_0000;
export const DISCARDED = 0x4000_0000;

/** The kernel's side of a ring's memory (kernel/bpf/ringbuf.c): it writes headers and data, and moves the producer's position. */
export class KernelRing {
  readonly consumer: ArrayBuffer = new ArrayBuffer(PAGE);
  readonly producer: ArrayBuffer;
  readonly #size: number;
  #position = 0;

  /** @param size bytes of data, a power of two */
  constructor(size = 4096) {
    this.#size = size;
    this.producer = new ArrayBuffer(PAGE + 2 * size);
  }

  /** A consumer of this memory, as a process has it that starts now. */
  reader(): RingReader {
    return new RingReader(this.consumer, this.producer, this.#size);
  }

  /** Reserves a record and writes its data; it stays busy until `commit`. */
  begin(data: Uint8Array, flags: number = BUSY): number {
    const at = this.#position;
    this.#header(at, data.length | flags);
    // Data is mapped twice, one behind the other.
    const bytes = new Uint8Array(this.producer, PAGE);
    for (const [i, byte] of data.entries()) {
      const offset = (at + 8 + i) % this.#size;
      bytes[offset] = byte;
      bytes[offset + this.#size] = byte;
    }
    this.#position += 8 + Math.ceil(data.length / 8) * 8;
    new DataView(this.producer).setBigUint64(0, BigInt(this.#position), true);
    return at;
  }

  commit(at: number, length: number, flags = 0): void {
    this.#header(at, length | flags);
  }

  /** What the consumer gave back. */
  released(): number {
    return Number(new DataView(this.consumer).getBigUint64(0, true));
  }

  send(data: Uint8Array): void {
    this.commit(this.begin(data), data.length);
  }

  #header(at: number, value: number): void {
    for (const copy of [0, this.#size]) {
      new DataView(this.producer, PAGE).setUint32((at % this.#size) + copy, value >>> 0, true);
    }
  }
}
