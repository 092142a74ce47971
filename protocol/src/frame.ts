// SPDX-License-Identifier: Apache-2.0

import { ByteReader, ByteWriter } from "@nsattest/tpm";
import { ProtocolError } from "./error.ts";

const HEADER_SIZE = 4;

/**
 * One frame of a stream: `u32be length | payload`.
 *
 * @throws ProtocolError `FRAME_EMPTY`, `FRAME_TOO_LARGE`
 */
export function encodeFrame(payload: Uint8Array, maxBytes: number): Uint8Array {
  checkLength(payload.length, maxBytes);
  return new ByteWriter().u32(payload.length).bytes(payload).finish();
}

/**
 * Cuts a stream into the payloads of its frames, whatever pieces it arrives in. Memory grows with what has arrived,
 * never with what a header promises. After it has thrown, the stream has no meaning any more: close it.
 */
export class FrameSplitter {
  readonly #maxBytes: number;
  /** Pieces of the header or of the payload that is not complete yet. */
  #pieces: Uint8Array[] = [];
  /** Bytes still missing from it. */
  #missing = HEADER_SIZE;
  #inPayload = false;

  /** @param maxBytes largest payload that is accepted */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /**
   * Takes the next bytes of the stream and returns the payloads that are complete now; they are copies.
   *
   * @throws ProtocolError `FRAME_EMPTY`, `FRAME_TOO_LARGE`
   */
  push(chunk: Uint8Array): Uint8Array[] {
    const reader = new ByteReader(chunk);
    const payloads: Uint8Array[] = [];
    while (reader.remaining > 0) {
      const piece = reader.bytes(Math.min(this.#missing, reader.remaining));
      this.#pieces.push(new Uint8Array(piece));
      this.#missing -= piece.length;
      if (this.#missing === 0) this.#complete(payloads);
    }
    return payloads;
  }

  /** @throws ProtocolError `FRAME_TRUNCATED` when the stream ended within a frame */
  end(): void {
    if (this.#inPayload || this.#pieces.length > 0) {
      throw new ProtocolError("FRAME_TRUNCATED", "the stream ended within a frame");
    }
  }

  #complete(payloads: Uint8Array[]): void {
    const whole = new Uint8Array(Buffer.concat(this.#pieces));
    this.#pieces = [];
    if (this.#inPayload) {
      payloads.push(whole);
      this.#missing = HEADER_SIZE;
    } else {
      this.#missing = new ByteReader(whole).u32();
      checkLength(this.#missing, this.#maxBytes);
    }
    this.#inPayload = !this.#inPayload;
  }
}

function checkLength(length: number, maxBytes: number): void {
  if (length === 0) throw new ProtocolError("FRAME_EMPTY", "a frame without bytes");
  if (length > maxBytes) {
    throw new ProtocolError("FRAME_TOO_LARGE", `a frame of ${length} bytes, ${maxBytes} allowed`);
  }
}
