// SPDX-License-Identifier: Apache-2.0

import { hash } from "node:crypto";
import { HASH_ALGORITHMS, type HashName } from "@nsattest/tpm";

/** Faster than `write`, which looks for the encoding first; one character a byte. Node has it, its types have not. */
type Latin1Buffer = Buffer & {
  latin1Write(text: string, offset: number, length: number): number;
};

/** `size` bytes that begin at a word. */
export function latin1Buffer(size: number): Latin1Buffer {
  return Buffer.from(new ArrayBuffer(size)) as Latin1Buffer;
}

/** The words of a buffer that begins at one, in the byte order of this machine. */
export function wordsOf(bytes: Latin1Buffer): Uint32Array {
  return new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
}

/** One PCR that is extended again and again. */
export class PcrChain {
  /** The value, and behind it what is extended next. */
  readonly #bytes: Latin1Buffer;
  readonly #words: Uint32Array;
  /** The words of what was extended last. */
  readonly extended: Uint32Array;
  readonly #size: number;
  readonly #node: string;

  constructor(bank: HashName, value: Uint8Array) {
    const { size, node } = HASH_ALGORITHMS[bank];
    this.#size = size;
    this.#node = node;
    this.#bytes = latin1Buffer(2 * size);
    this.#bytes.set(value);
    this.#words = wordsOf(this.#bytes);
    this.extended = new Uint32Array(this.#bytes.buffer, size);
  }

  /** A copy. */
  get value(): Uint8Array {
    const value = new Uint8Array(this.#size);
    this.#bytes.copy(value);
    return value;
  }

  /** @param digest one character a byte; a shorter one than the bank's is padded with zeros */
  extend(digest: string): void {
    this.#bytes.latin1Write(digest, this.#size, this.#size);
    if (digest.length < this.#size) this.#bytes.fill(0, this.#size + digest.length);
    this.#step();
  }

  /** What a violation extends (`ima_queue.c`, ima_add_template_entry). */
  extendViolation(): void {
    this.#bytes.fill(0xff, this.#size);
    this.#step();
  }

  /** @param words a value of this bank, as {@link wordsOf} gives it */
  hasValue(words: Uint32Array): boolean {
    for (let i = 0; i < words.length; i++) {
      if (this.#words[i] !== words[i]) return false;
    }
    return true;
  }

  #step(): void {
    this.#bytes.latin1Write(hash(this.#node, this.#bytes, "binary"), 0, this.#size);
  }
}
