// SPDX-License-Identifier: Apache-2.0

import { closeSync, fstatSync, openSync, readSync, writeSync } from "node:fs";
import { parseMeasurementList } from "@nsattest/ns-ima";
import { AgentError } from "../../error.ts";

export const HOST_LIST = "/sys/kernel/security/ima/binary_runtime_measurements";

const READ_BYTES = 64 * 1024;

/**
 * The kernel's measurement list. The descriptor stays open: after its end, later reads return the new records only, and while it is
 * open nobody can truncate the list (kernels from 7.2 on). What was read is kept in a spool file, not in memory.
 */
export class HostList {
  readonly #source: number;
  readonly #spool: number;
  #length = 0;
  #entries = 0;
  /** Bytes of a record whose rest has not been read yet. */
  #tail: Uint8Array = new Uint8Array(0);

  /** @param spoolPath truncated: after a start the kernel's list is read again from its beginning */
  constructor(listPath: string, spoolPath: string) {
    this.#source = openSync(listPath, "r");
    this.#spool = openSync(spoolPath, "w+", 0o600);
  }

  /** Entries read so far. */
  get entries(): number {
    return this.#entries;
  }

  /** Bytes of whole entries read so far. */
  get length(): number {
    return this.#length;
  }

  /**
   * Reads to the present end of the list and returns the number of entries.
   *
   * @throws AgentError `HOST_LIST` when a record cannot be read
   */
  readToEnd(): number {
    const chunks: Uint8Array[] = [this.#tail];
    const buffer = new Uint8Array(READ_BYTES);
    for (;;) {
      const got = readSync(this.#source, buffer, 0, READ_BYTES, null);
      if (got === 0) break;
      chunks.push(buffer.slice(0, got));
    }
    const bytes = Buffer.concat(chunks);
    if (bytes.length === 0) return this.#entries;
    const { entries, consumed } = this.#parse(bytes);
    writeSync(this.#spool, bytes, 0, consumed, this.#length);
    this.#tail = new Uint8Array(bytes.subarray(consumed));
    this.#length += consumed;
    this.#entries += entries;
    return this.#entries;
  }

  /** Raw records from byte offset `from` to the end read so far. @throws AgentError `HOST_LIST` beyond the end */
  bytesFrom(from: number): Uint8Array {
    const length = this.#length - from;
    if (length < 0) throw new AgentError("HOST_LIST", `offset ${from} is beyond ${this.#length}`);
    const bytes = new Uint8Array(length);
    const got = readSync(this.#spool, bytes, 0, length, from);
    if (got !== length || fstatSync(this.#spool).size < this.#length) {
      throw new AgentError("HOST_LIST", "the spool is shorter than what was read");
    }
    return bytes;
  }

  close(): void {
    closeSync(this.#source);
    closeSync(this.#spool);
  }

  #parse(bytes: Uint8Array): { entries: number; consumed: number } {
    try {
      const { entries, consumed } = parseMeasurementList(bytes);
      return { entries: entries.length, consumed };
    } catch (error) {
      throw new AgentError("HOST_LIST", `the host list is not readable after ${this.#length} bytes`, { cause: error });
    }
  }
}
