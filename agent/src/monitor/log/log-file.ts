// SPDX-License-Identifier: Apache-2.0

import { closeSync, fstatSync, ftruncateSync, openSync, readSync, writeSync } from "node:fs";
import type { LogBatch, LogRecord } from "@nsattest/ns-ima";
import { AgentError } from "../../error.ts";
import { tryLock } from "../../sys/ffi.ts";
import { decodeFrames, encodeFrame } from "./log-frame.ts";

interface Span {
  readonly start: number;
  readonly end: number;
}

/**
 * The namespace log on disk (in `/run`: it outlives processes, not the boot). One writer, which holds the file's lock.
 *
 * Records are appended, then sealed into batches; a batch is what one PCR extend covers. Nothing is kept in memory but the offsets
 * of the batches and the records not yet sealed.
 */
export class LogFile {
  readonly #fd: number;
  readonly #batches: Span[] = [];
  #open: LogRecord[] = [];
  #openStart = 0;
  #end = 0;
  /** Something may stand behind `#end` that does not count. */
  #torn = false;
  #ringPosition = 0;

  /**
   * Opens or creates the log and cuts off a torn tail.
   *
   * @throws AgentError `LOG_HELD` when another monitor writes it, `LOG_IO`, `LOG_CORRUPT` when a seal does not fit its records
   */
  constructor(path: string) {
    this.#fd = attempt(`open ${path}`, () => openSync(path, "a+", 0o600));
    try {
      if (!tryLock(this.#fd)) {
        throw new AgentError(
          "LOG_HELD",
          `${path} is written by another monitor; stop that one first`,
        );
      }
      this.#recover(path);
    } catch (error) {
      closeSync(this.#fd);
      throw error;
    }
  }

  /** Number of sealed batches. */
  get batchCount(): number {
    return this.#batches.length;
  }

  /** Records that no seal covers yet. */
  get unsealed(): LogBatch {
    return this.#open;
  }

  /** Ring position up to which kernel events are in the log. */
  get ringPosition(): number {
    return this.#ringPosition;
  }

  /**
   * Appends records; either all of them count or none, also when this process is killed while it writes.
   *
   * @throws AgentError `LOG_IO`, for example when `/run` is full; none of them counts then
   */
  append(records: readonly LogRecord[], ringPosition: number): void {
    const last = records.length - 1;
    this.#write(
      records.map((record, index) =>
        encodeFrame({ kind: "record", ringPosition, more: index < last, record }),
      ),
    );
    this.#open.push(...records);
    this.#ringPosition = ringPosition;
  }

  /** Makes the unsealed records one batch, or does nothing when there are none. Throws as `append`. */
  seal(): LogBatch | null {
    const batch = this.#open;
    if (batch.length === 0) return null;
    const end = this.#end;
    this.#write([encodeFrame({ kind: "seal", count: batch.length })]);
    this.#batches.push({ start: this.#openStart, end });
    this.#open = [];
    this.#openStart = this.#end;
    return batch;
  }

  /** Reads sealed batches from index `from` on. @throws AgentError `LOG_CORRUPT`, `LOG_IO` */
  batches(from = 0): LogBatch[] {
    return this.#batches.slice(from).map(({ start, end }) => {
      const bytes = this.#read(start, end - start);
      const records: LogRecord[] = [];
      for (const { frame } of decodeFrames(bytes)) {
        if (frame.kind === "record") records.push(frame.record);
      }
      if (records.length === 0)
        throw new AgentError("LOG_CORRUPT", `no records at offset ${start}`);
      return records;
    });
  }

  close(): void {
    closeSync(this.#fd);
  }

  #recover(path: string): void {
    const size = attempt("read the log's size", () => fstatSync(this.#fd).size);
    let append: LogRecord[] = [];
    for (const { frame, end } of decodeFrames(this.#read(0, size))) {
      if (frame.kind === "record") {
        append.push(frame.record);
        if (frame.more) continue;
        this.#open.push(...append);
        append = [];
        this.#ringPosition = frame.ringPosition;
      } else {
        if (frame.count !== this.#open.length || append.length > 0) {
          throw new AgentError(
            "LOG_CORRUPT",
            `${path}: a seal of ${frame.count} covers ${this.#open.length} records`,
          );
        }
        this.#batches.push({ start: this.#openStart, end: this.#end });
        this.#open = [];
        this.#openStart = end;
      }
      this.#end = end;
    }
    this.#torn = this.#end < size;
    if (this.#torn) attempt("cut off a torn tail", () => this.#cut());
  }

  #cut(): void {
    ftruncateSync(this.#fd, this.#end);
    this.#torn = false;
  }

  #read(offset: number, length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    let done = 0;
    while (done < length) {
      const got = attempt("read the log", () =>
        readSync(this.#fd, bytes, done, length - done, offset + done),
      );
      if (got === 0) throw new AgentError("LOG_IO", `the log ends at ${offset + done}`);
      done += got;
    }
    return bytes;
  }

  #write(frames: readonly Uint8Array[]): void {
    const bytes = Buffer.concat(frames);
    attempt("write the log", () => {
      // Whatever is appended behind a part of an earlier write would be cut off with it.
      if (this.#torn) this.#cut();
      this.#torn = true;
      for (let done = 0; done < bytes.length; ) done += writeSync(this.#fd, bytes, done);
      this.#torn = false;
    });
    this.#end += bytes.length;
  }
}

/** @throws AgentError `LOG_IO` */
function attempt<T>(what: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    throw new AgentError("LOG_IO", `cannot ${what}`, { cause });
  }
}
