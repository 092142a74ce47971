// SPDX-License-Identifier: Apache-2.0

import type { LogBatch, NamespaceEvent, NamespaceId } from "@nsattest/ns-ima";
import { decodeEvent, encodeEvent } from "@nsattest/protocol";
import { AgentError } from "../../error.ts";
import type { LogFile } from "./log-file.ts";

const SALT_BYTES = 32;

/** Turns events into records: knows each namespace's tag, gives every record a fresh salt. */
export class NamespaceLog {
  readonly #file: LogFile;
  readonly #random: (bytes: number) => Uint8Array;
  readonly #tags = new Map<NamespaceId, Uint8Array>();

  /** Takes the tags of namespaces opened earlier from the file. @throws ProtocolError when an event cannot be decoded */
  constructor(file: LogFile, random: (bytes: number) => Uint8Array) {
    this.#file = file;
    this.#random = random;
    for (const event of this.history()) {
      if (event.kind === "boot" || event.kind === "ns-open") this.#tags.set(event.ns, event.tag);
    }
  }

  get file(): LogFile {
    return this.#file;
  }

  /** Every event so far, oldest first. */
  *history(): Generator<NamespaceEvent> {
    for (const batch of [...this.#file.batches(), this.#file.unsealed]) {
      for (const record of batch) yield decodeEvent(record.event);
    }
  }

  /**
   * Appends events in one write. `ringPosition` is where the kernel's ring was read up to; omit it for events that did not come from
   * the ring.
   *
   * @throws AgentError `CONTAINER_UNKNOWN` for a namespace without `ns-open`, `LOG_IO`
   */
  append(events: readonly NamespaceEvent[], ringPosition: number = this.#file.ringPosition): void {
    const opened = new Map<NamespaceId, Uint8Array>();
    const records = events.map((event) => {
      if (event.kind === "boot" || event.kind === "ns-open") opened.set(event.ns, event.tag);
      const tag = opened.get(event.ns) ?? this.#tags.get(event.ns);
      if (tag === undefined)
        throw new AgentError("CONTAINER_UNKNOWN", `${event.ns} was never opened`);
      return { tag, salt: this.#random(SALT_BYTES), event: encodeEvent(event) };
    });
    this.#file.append(records, ringPosition);
    // Only now: a namespace whose opening could not be written is not open.
    for (const [ns, tag] of opened) this.#tags.set(ns, tag);
  }

  /** Batches from index `from` on. */
  batches(from: number): LogBatch[] {
    return this.#file.batches(from);
  }
}
