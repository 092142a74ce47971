// SPDX-License-Identifier: Apache-2.0

import { AgentError } from "../../error.ts";

const PAGE = 4096;
const RECORD_HEADER = 8;
/** Set in a record's length while the kernel still writes it (BPF_RINGBUF_BUSY_BIT). */
const BUSY = 0x8000_0000;
/** Set when the record is to be skipped (BPF_RINGBUF_DISCARD_BIT). */
const DISCARDED = 0x4000_0000;
const FLAGS = BUSY | DISCARDED;

/** Records that were read, not yet given back to the kernel. */
export interface RingChunk {
  /** Copies: the kernel reuses the memory once the position is released. */
  readonly records: readonly Uint8Array[];
  /** Position to release when the records are safe. */
  readonly position: number;
}

/**
 * Consumer side of a BPF ring buffer over its mapped memory (kernel/bpf/ringbuf.c): the consumer's position is in the first page, the
 * producer's in the second, the data follows, mapped twice so that no record is split.
 *
 * libbpf's own reader releases a record as soon as its callback returns. Here reading and releasing are two steps, so that a
 * position moves only after its records are in the log: what a crash interrupts is read again.
 */
export class RingReader {
  readonly #consumer: BigInt64Array;
  readonly #producer: BigInt64Array;
  readonly #data: DataView;
  readonly #lengths: Int32Array;
  readonly #size: number;
  #position: number;

  /**
   * @param consumer the first page, writable
   * @param producer the second page and twice the data, read-only
   * @param size bytes of data, a power of two
   */
  constructor(consumer: ArrayBuffer, producer: ArrayBuffer, size: number) {
    this.#consumer = new BigInt64Array(consumer, 0, 1);
    this.#producer = new BigInt64Array(producer, 0, 1);
    this.#data = new DataView(producer, PAGE, 2 * size);
    this.#lengths = new Int32Array(producer, PAGE, (2 * size) / 4);
    this.#size = size;
    this.#position = Number(Atomics.load(this.#consumer, 0));
  }

  /** Everything before this position has been released. */
  get position(): number {
    return this.#position;
  }

  /** Where the next record of the kernel will begin. Records up to here may still be busy. */
  producerPosition(): number {
    return Number(Atomics.load(this.#producer, 0));
  }

  /**
   * Reads committed records from `from` on, up to `limit` of them, and stops early at one the kernel still writes.
   *
   * @throws AgentError `KERNEL_EVENT` when a length cannot be: the mapping is not a ring
   */
  read(from: number, limit: number): RingChunk {
    const records: Uint8Array[] = [];
    const produced = this.producerPosition();
    let position = from;
    while (position < produced && records.length < limit) {
      const offset = position % this.#size;
      const header = Atomics.load(this.#lengths, offset / 4);
      if (header & BUSY) break;
      const length = header & ~FLAGS;
      if (length > this.#size - RECORD_HEADER) {
        throw new AgentError("KERNEL_EVENT", `ring record of ${length} bytes at ${position}`);
      }
      if (!(header & DISCARDED)) {
        const start = this.#data.byteOffset + offset + RECORD_HEADER;
        records.push(new Uint8Array(this.#data.buffer.slice(start, start + length)));
      }
      position += RECORD_HEADER + Math.ceil(length / 8) * 8;
    }
    return { records, position };
  }

  /**
   * Gives back what was safe already: a reader that died before it could release it. Does nothing when it has been released.
   *
   * @throws AgentError `KERNEL_EVENT` for a position that this ring has not reached: releasing it would make the ring look full for good
   */
  skipTo(position: number): void {
    if (position > this.producerPosition()) {
      throw new AgentError("KERNEL_EVENT", `the ring has not reached position ${position}`);
    }
    if (position > this.#position) this.release(position);
  }

  /** Gives everything before `position` back to the kernel. */
  release(position: number): void {
    this.#position = position;
    Atomics.store(this.#consumer, 0, BigInt(position));
  }
}
