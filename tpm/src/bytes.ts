// SPDX-License-Identifier: Apache-2.0

import { TpmError } from "./error.ts";

/**
 * Bounds-checked cursor over untrusted bytes. Numbers are big-endian unless the verb says `le`.
 *
 * Views are handed out, nothing is copied: whoever keeps a view keeps the whole buffer.
 * Every verb throws TpmError `BYTES_SHORT` when the bytes run out and then leaves the cursor where it was.
 */
export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #offset = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Bytes consumed so far. */
  get offset(): number {
    return this.#offset;
  }

  /** Bytes not yet consumed. */
  get remaining(): number {
    return this.#bytes.length - this.#offset;
  }

  /** View of what is not yet consumed; consumes nothing. */
  get rest(): Uint8Array {
    return this.#bytes.subarray(this.#offset);
  }

  u8(): number {
    return this.#view.getUint8(this.#advance(1));
  }

  u16(): number {
    return this.#view.getUint16(this.#advance(2));
  }

  u16le(): number {
    return this.#view.getUint16(this.#advance(2), true);
  }

  u32(): number {
    return this.#view.getUint32(this.#advance(4));
  }

  u32le(): number {
    return this.#view.getUint32(this.#advance(4), true);
  }

  /** @throws TpmError `BYTES_RANGE` above 2^53-1, where a number would lie */
  u64(): number {
    const start = this.#advance(8);
    return this.#safe(this.#view.getUint32(start), this.#view.getUint32(start + 4));
  }

  /** @throws TpmError `BYTES_RANGE` above 2^53-1, where a number would lie */
  u64le(): number {
    const start = this.#advance(8);
    return this.#safe(this.#view.getUint32(start + 4, true), this.#view.getUint32(start, true));
  }

  bytes(length: number): Uint8Array {
    const start = this.#advance(length);
    // Cheaper than `subarray`, which asks the view for its species: lists have very many records.
    return new Uint8Array(this.#bytes.buffer, this.#bytes.byteOffset + start, length);
  }

  skip(length: number): void {
    this.#advance(length);
  }

  /** True when what is not yet consumed begins with `prefix`; consumes nothing. */
  startsWith(prefix: Uint8Array): boolean {
    if (prefix.length > this.remaining) return false;
    for (let i = 0; i < prefix.length; i++) {
      if (this.#bytes[this.#offset + i] !== prefix[i]) return false;
    }
    return true;
  }

  /** A u16 size and that many bytes (TPM2B, TPM 2.0 part 2, 10.4). */
  tpm2b(): Uint8Array {
    const start = this.#offset;
    try {
      return this.bytes(this.u16());
    } catch (error) {
      this.#offset = start;
      throw error;
    }
  }

  /** @throws TpmError `BYTES_TRAILING` unless everything was consumed */
  end(): void {
    if (this.remaining > 0) {
      throw new TpmError("BYTES_TRAILING", `${this.remaining} bytes left at ${this.#offset}`);
    }
  }

  #advance(length: number): number {
    const start = this.#offset;
    if (!Number.isSafeInteger(length) || length < 0 || length > this.remaining) {
      throw new TpmError(
        "BYTES_SHORT",
        `${length} bytes wanted at ${start}, ${this.remaining} left`,
      );
    }
    this.#offset = start + length;
    return start;
  }

  #safe(high: number, low: number): number {
    const value = high * 2 ** 32 + low;
    if (value > Number.MAX_SAFE_INTEGER) {
      this.#offset -= 8;
      throw new TpmError("BYTES_RANGE", `64-bit number at ${this.#offset} is above 2^53-1`);
    }
    return value;
  }
}

const INITIAL_CAPACITY = 256;

/** Growing buffer with the verbs of {@link ByteReader}; every verb returns the writer. */
export class ByteWriter {
  #bytes = new Uint8Array(INITIAL_CAPACITY);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  /** Bytes written so far. */
  get offset(): number {
    return this.#length;
  }

  u8(value: number): this {
    const at = this.#reserve(1, value);
    this.#view.setUint8(at, value);
    return this;
  }

  u16(value: number): this {
    const at = this.#reserve(2, value);
    this.#view.setUint16(at, value);
    return this;
  }

  u16le(value: number): this {
    const at = this.#reserve(2, value);
    this.#view.setUint16(at, value, true);
    return this;
  }

  u32(value: number): this {
    const at = this.#reserve(4, value);
    this.#view.setUint32(at, value);
    return this;
  }

  u32le(value: number): this {
    const at = this.#reserve(4, value);
    this.#view.setUint32(at, value, true);
    return this;
  }

  u64(value: number): this {
    const at = this.#reserve(8, value);
    this.#view.setBigUint64(at, BigInt(value));
    return this;
  }

  u64le(value: number): this {
    const at = this.#reserve(8, value);
    this.#view.setBigUint64(at, BigInt(value), true);
    return this;
  }

  bytes(value: Uint8Array): this {
    const at = this.#grow(value.length);
    this.#bytes.set(value, at);
    return this;
  }

  /** A u16 size and the bytes. */
  tpm2b(value: Uint8Array): this {
    return this.u16(value.length).bytes(value);
  }

  /** A copy of what was written. */
  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  // Both may put a larger buffer in place of the old one: call them before touching #bytes or #view.

  /** @throws TpmError `BYTES_RANGE` when `value` is not an integer of `width` bytes */
  #reserve(width: 1 | 2 | 4 | 8, value: number): number {
    const limit = Math.min(2 ** (8 * width) - 1, Number.MAX_SAFE_INTEGER);
    if (!Number.isSafeInteger(value) || value < 0 || value > limit) {
      throw new TpmError("BYTES_RANGE", `${value} does not fit in ${width} bytes`);
    }
    return this.#grow(width);
  }

  #grow(length: number): number {
    const start = this.#length;
    const needed = start + length;
    if (needed > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(needed, 2 * this.#bytes.length));
      larger.set(this.#bytes);
      this.#bytes = larger;
      this.#view = new DataView(larger.buffer);
    }
    this.#length = needed;
    return start;
  }
}
