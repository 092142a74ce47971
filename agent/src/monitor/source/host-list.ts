// SPDX-License-Identifier: Apache-2.0

import { closeSync, fstatSync, openSync, readSync, writeSync } from "node:fs";
import {
  countRecords,
  type ListPcrs,
  type ListPosition,
  listStart,
  recallListPcrs,
} from "@nsattest/ns-ima";
import type { HashName } from "@nsattest/tpm";
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
  /** What the list's PCRs were when they were asked for last, and how far the list had come then. */
  #recalled: ListPosition = listStart("sha256", []);
  /** Which ones. */
  #asked = "";
  /** What was read and is not in the spool: the kernel gives it once, so it is kept whatever fails. */
  #pending: Uint8Array[] = [];

  /**
   * @param spoolPath truncated: after a start the kernel's list is read again from its beginning
   * @throws AgentError `HOST_LIST`
   */
  constructor(listPath: string, spoolPath: string) {
    this.#source = attempt(`open ${listPath}`, () => openSync(listPath, "r"));
    this.#spool = attempt(`open ${spoolPath}`, () => openSync(spoolPath, "w+", 0o600));
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
   * @throws AgentError `HOST_LIST` when a record cannot be read, or the spool not be written: the next call tries again
   */
  readToEnd(): number {
    attempt("read the host list", () => this.#read());
    if (this.#pending.length === 0) return this.#entries;
    const bytes = Buffer.concat(this.#pending);
    const { entries, consumed } = this.#parse(bytes);
    attempt("write the spool", () => {
      for (let done = 0; done < consumed; ) {
        done += writeSync(this.#spool, bytes, done, consumed - done, this.#length + done);
      }
    });
    this.#pending = consumed < bytes.length ? [new Uint8Array(bytes.subarray(consumed))] : [];
    this.#length += consumed;
    this.#entries += entries;
    return this.#entries;
  }

  #read(): void {
    const buffer = new Uint8Array(READ_BYTES);
    for (;;) {
      const got = readSync(this.#source, buffer, 0, READ_BYTES, null);
      if (got === 0) return;
      this.#pending.push(buffer.slice(0, got));
    }
  }

  /**
   * Raw records from byte offset `from` to the end read so far.
   *
   * @throws AgentError `LIST_SHRANK` beyond the end: somebody has seen more of this boot's list than there is; `HOST_LIST`
   */
  bytesFrom(from: number): Uint8Array {
    const length = this.#length - from;
    if (length < 0) {
      throw new AgentError(
        "LIST_SHRANK",
        `the list has ${this.#length} bytes, not ${from} or more`,
      );
    }
    const bytes = new Uint8Array(length);
    const got = attempt("read the spool", () => readSync(this.#spool, bytes, 0, length, from));
    if (got !== length || fstatSync(this.#spool).size < this.#length) {
      throw new AgentError("HOST_LIST", "the spool is shorter than what was read");
    }
    return bytes;
  }

  /**
   * The values that the list's PCRs had when `fits` is true of them, by replaying what was read from the values found last. Null when there
   * are none: a record is missing, or somebody else extended a PCR.
   *
   * The kernel appends before it extends: a quote of an earlier moment than the last reading is of some of these values.
   *
   * @throws AgentError `HOST_LIST`
   */
  recallPcrs(
    bank: HashName,
    pcrs: readonly number[],
    fits: (pcrs: ListPcrs) => boolean,
  ): ListPcrs | null {
    const asked = `${bank} ${pcrs.join(" ")}`;
    const from = this.#asked === asked ? this.#recalled : listStart(bank, pcrs);
    const found = recallListPcrs(from, this.bytesFrom(from.bytes), fits);
    if (found) [this.#asked, this.#recalled] = [asked, found];
    return found?.pcrs ?? null;
  }

  close(): void {
    closeSync(this.#source);
    closeSync(this.#spool);
  }

  #parse(bytes: Uint8Array): { entries: number; consumed: number } {
    try {
      const { entries, bytes: consumed } = countRecords(bytes);
      return { entries, consumed };
    } catch (error) {
      throw new AgentError(
        "HOST_LIST",
        `the host list is not readable after ${this.#length} bytes`,
        { cause: error },
      );
    }
  }
}

function attempt<T>(what: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    throw new AgentError("HOST_LIST", `cannot ${what}`, { cause });
  }
}
