// SPDX-License-Identifier: Apache-2.0

import { type GapEvent, HOST, type NamespaceEvent, type NamespaceId } from "@nsattest/ns-ima";
import type { Challenge } from "@nsattest/protocol";
import { BOOT_PCRS } from "@nsattest/tpm";
import { AgentError } from "../error.ts";
import type { Anchor } from "./anchor/anchor.ts";
import { Exclusive } from "./anchor/exclusive.ts";
import { ANCHOR_PCR, type MonitorTpm, type Quote } from "./anchor/tpm-port.ts";
import type { NamespaceLog } from "./log/namespace-log.ts";
import { Attribution, undeclared } from "./registry/attribution.ts";
import type { CodeBook } from "./registry/code-book.ts";
import type { ProcessPlace } from "./registry/process.ts";
import type { Declaration, Registry } from "./registry/registry.ts";
import type { HostList } from "./source/host-list.ts";
import { decodeKernelEvent, type KernelEvent } from "./source/kernel-event.ts";
import type { Losses } from "./source/losses.ts";
import type { KernelPrograms } from "./source/programs.ts";

/** Kernel events taken into the log with one write. */
const CHUNK = 512;
/** Times the ring is looked at again for a record that the kernel is still writing; each time other work goes on. */
const DRAIN_ATTEMPTS = 10_000;

/** What a monitor is made of; it owns none of it. */
export interface MonitorParts {
  readonly programs: Pick<KernelPrograms, "ring" | "forgetSeen" | "countMark">;
  readonly losses: Losses;
  readonly hostList: HostList;
  readonly log: NamespaceLog;
  readonly registry: Registry;
  readonly code: CodeBook;
  readonly anchor: Anchor;
  readonly tpm: Pick<MonitorTpm, "quote">;
  /** The log of what was booted; null where there is none. */
  readonly bootLog: () => Uint8Array | null;
  /** Gives other work a turn. */
  readonly yieldTurn: () => Promise<void>;
}

/** What evidence is to be of: the verifier's challenge. */
export type Wanted = Pick<
  Challenge,
  "nonce" | "listOffset" | "logOffset" | "bank" | "pcrs" | "bootLog"
>;

/** Everything a verifier needs since the offsets it named. */
export interface EvidenceParts extends Quote {
  readonly list: Uint8Array;
  readonly batches: ReturnType<NamespaceLog["batches"]>;
  readonly bootLog: Uint8Array | null;
}

/**
 * See, mark, anchor, quote: the steps of design section 5, in order. One instance per node.
 *
 * The log is written before anything is given back: a kernel event leaves the ring, a container starts and a quote is taken only after
 * what they mean is on file.
 */
export class Monitor {
  readonly #parts: MonitorParts;
  readonly #attribution: Attribution;
  readonly #exclusive = new Exclusive();
  #markedEntries = -1;
  #eventsSinceMark = 0;
  /** Gaps of the last mark that may be about entries behind it as well. */
  #lastingGaps: readonly GapEvent[] = [];

  constructor(parts: MonitorParts) {
    this.#parts = parts;
    this.#attribution = new Attribution(parts.registry, parts.code);
  }

  /**
   * Takes what the ring holds into the log. Synchronous, so nothing comes between reading and releasing; what the kernel adds meanwhile
   * is left to the next call, for a container can add without a pause.
   *
   * A record that cannot be read is a gap of everybody: whose it was is what we would have read.
   *
   * @throws AgentError `LOG_IO`: nothing was released, the next call tries again; `KERNEL_EVENT` when the memory is no ring
   */
  drain(): void {
    const { ring } = this.#parts.programs;
    const end = ring.producerPosition();
    while (ring.position < end) {
      const { records, position } = ring.read(ring.position, CHUNK);
      if (position === ring.position) return;
      const { events, unreadable } = decodeRecords(records);
      this.#write([...this.#attribution.eventsOf(events), ...unreadable], position);
      ring.release(position);
    }
  }

  /**
   * Opens a namespace; when this returns, what the container does is attributed to it. Throws as `drain`.
   *
   * @throws AgentError also `CONTAINER_CGROUP` when another open container has the cgroup: it would answer for this one, or this for it
   */
  open(declaration: Declaration): NamespaceId {
    this.drain();
    const { registry } = this.#parts;
    const holder = registry.declaredHolder(declaration.place.cgroup);
    if (holder !== null && holder !== declaration.containerId) {
      throw new AgentError(
        "CONTAINER_CGROUP",
        `${declaration.containerId} shares its cgroup with ${holder}: give each container a cgroup of its own`,
      );
    }
    // A runtime may reuse an id whose end it never told.
    const stale = registry.closing(declaration.containerId, "reopened");
    const event = registry.opening(declaration);
    this.#write(stale === null ? [event] : [stale, event]);
    return event.ns;
  }

  /**
   * Opens a namespace, with its gap, for each container that ran before anything could be recorded. All are in the log or none: a start
   * that was interrupted looks for them again. Throws as `drain`.
   */
  openLate(places: readonly ProcessPlace[]): void {
    const events = places.flatMap((place, ahead): NamespaceEvent[] => {
      const event = this.#parts.registry.opening(undeclared(place), ahead);
      return [event, { kind: "gap", ns: event.ns, lost: 0, reason: "late-start" }];
    });
    this.#write(events);
  }

  /** Closes a container's namespace after everything it did is in the log. False when none is open. Throws as `drain`. */
  close(containerId: string, reason: string): boolean {
    this.drain();
    const event = this.#parts.registry.closing(containerId, reason);
    if (event === null) return false;
    this.#write([event]);
    return true;
  }

  /** Anchors what is in the log but not yet in the TPM. Throws as `Anchor.flush`. */
  flush(): Promise<void> {
    return this.#exclusive.run(() => this.#parts.anchor.flush());
  }

  /**
   * Marks, anchors and quotes, then reads the host list once more: it holds at least everything quoted, since the kernel appends before
   * it extends.
   *
   * @throws AgentError, TpmError when any step fails: evidence is whole or not given
   */
  async evidence({
    nonce,
    listOffset,
    logOffset,
    bank,
    pcrs,
    bootLog,
  }: Wanted): Promise<EvidenceParts> {
    return this.#exclusive.run(async () => {
      await this.#mark();
      await this.#parts.anchor.flush();
      const { hostList, log, tpm, bootLog: readBootLog } = this.#parts;
      const quote = await tpm.quote(nonce, { bank, pcrs }, (fits) => {
        hostList.readToEnd();
        return hostList.recallPcrs(bank, listPcrsOf(pcrs), fits);
      });
      hostList.readToEnd();
      return {
        ...quote,
        list: hostList.bytesFrom(listOffset),
        batches: log.batches(logOffset),
        bootLog: bootLog ? readBootLog() : null,
      };
    });
  }

  /**
   * Every execution and every owner of the host-list entries read here is in the log when the mark is written: entries become visible
   * after their events were submitted, so the ring is drained up to where it ended *after* the list was read.
   */
  async #mark(): Promise<void> {
    const { hostList, losses, programs } = this.#parts;
    const lostBefore = losses.counted();
    const entries = hostList.readToEnd();
    const target = programs.ring.producerPosition();
    this.drain();
    for (let attempt = 0; programs.ring.position < target; attempt++) {
      // Without a mark the new entries stay pending, which the verifier bounds in time.
      if (attempt === DRAIN_ATTEMPTS) return;
      await this.#parts.yieldTurn();
      this.drain();
    }
    const found = losses.newGaps();
    const gaps = [...this.#lastingGaps, ...found];
    if (entries === this.#markedEntries && this.#eventsSinceMark === 0 && gaps.length === 0) return;
    // What was lost must not be suppressed as a repeat when it comes again.
    if (gaps.length > 0) programs.forgetSeen();
    this.#write([...gaps, { kind: "mark", ns: HOST, index: entries }]);
    programs.countMark();
    this.#markedEntries = entries;
    this.#eventsSinceMark = 0;
    // What was lost while the mark was made stands before it, but may be about entries behind it: it is said again before the next one.
    const lasts = losses.counted() > lostBefore;
    this.#lastingGaps = lasts ? found.map((gap) => ({ ...gap, lost: 0 })) : [];
  }

  #write(events: readonly NamespaceEvent[], ringPosition?: number): void {
    const { log, registry, code, losses } = this.#parts;
    log.append(events, ringPosition);
    for (const event of events) {
      registry.learn(event);
      code.learn(event);
      losses.learn(event);
    }
    this.#eventsSinceMark += events.length;
  }
}

function decodeRecords(records: readonly Uint8Array[]): {
  readonly events: readonly KernelEvent[];
  readonly unreadable: readonly NamespaceEvent[];
} {
  const events: KernelEvent[] = [];
  let lost = 0;
  for (const record of records) {
    try {
      events.push(decodeKernelEvent(record));
    } catch {
      // It throws its own error only, and there is nothing to be done about it but to say so in the log.
      lost += 1;
    }
  }
  const gap = { kind: "gap", ns: HOST, lost, reason: "unreadable-event" } as const;
  return { events, unreadable: lost > 0 ? [gap] : [] };
}

/** Those that IMA extends: not the log's, and where all PCRs of the boot are asked for, none of those. */
function listPcrsOf(pcrs: readonly number[]): readonly number[] {
  const others = BOOT_PCRS.every((index) => pcrs.includes(index)) ? BOOT_PCRS : [];
  return pcrs.filter((index) => index !== ANCHOR_PCR && !others.includes(index));
}
