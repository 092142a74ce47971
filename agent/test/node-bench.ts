// SPDX-License-Identifier: Apache-2.0

import { randomBytes } from "node:crypto";
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { NamespaceEvent, ProgramIdentity } from "@nsattest/ns-ima";
import { decodeEvent } from "@nsattest/protocol";
import { Anchor } from "../src/monitor/anchor/anchor.ts";
import { beginLog } from "../src/monitor/log/begin.ts";
import { LogFile } from "../src/monitor/log/log-file.ts";
import { NamespaceLog } from "../src/monitor/log/namespace-log.ts";
import { Monitor } from "../src/monitor/monitor.ts";
import { CodeBook } from "../src/monitor/registry/code-book.ts";
import { Registry } from "../src/monitor/registry/registry.ts";
import { HostList } from "../src/monitor/source/host-list.ts";
import { Losses } from "../src/monitor/source/losses.ts";
import type { RingReader } from "../src/monitor/source/ring.ts";
import { hostListRecord } from "./host-list-record.ts";
import { KernelRing } from "./kernel-ring.ts";
import { type RecordFields, ringRecord } from "./ring-record.ts";
import { SoftwareTpm } from "./software-tpm.ts";

export const BOOT_ID = "0d8c6f5e-6d3a-4c89-9f43-0a7d3c1a2b4e";
/** The host's namespaces; other ones are a container's. */
export const HOST = { mountNamespace: 1, pidNamespace: 2 };
/** Entries of the host list when the programs were attached. */
export const HOST_ENTRIES = 1;

const PROGRAMS: ProgramIdentity[] = [
  { name: "exec", id: 1, tag: new Uint8Array(8), loadTime: 1000 },
];

/** A running monitor and what it is made of. */
export interface Running {
  readonly monitor: Monitor;
  readonly log: NamespaceLog;
  readonly file: LogFile;
  readonly hostList: HostList;
  readonly fresh: boolean;
}

/** A node: a kernel with its ring, list and counters, and a TPM. Monitors come and go on it; log and spool are real files. */
export class NodeBench {
  readonly kernel = new KernelRing(1 << 18);
  readonly tpm = new SoftwareTpm();
  /** How often the kernel was made to send everything again. */
  forgotten = 0;
  /** How often the kernel was told of a mark. */
  marked = 0;
  misses = 0;
  lostTotal = 0;
  readonly lostByCgroup = new Map<number, number>();
  /** Called between two looks at a ring that is busy. */
  onYield: () => void = () => undefined;
  /** What the kernel has of the boot. */
  bootLog: Uint8Array | null = null;
  readonly logPath: string;
  readonly #folder: string;
  readonly #list: string;
  #running: Running | null = null;

  constructor() {
    this.#folder = mkdtempSync(join(tmpdir(), "nsattest-node-"));
    this.logPath = join(this.#folder, "namespace.log");
    this.#list = join(this.#folder, "list");
    writeFileSync(this.#list, "");
    this.measure("boot_aggregate");
  }

  /** Puts a monitor together as run.ts does. `ring` stands in for its view of the ring. */
  async start(ring: RingReader = this.kernel.reader()): Promise<Running> {
    const random = (bytes: number): Uint8Array => new Uint8Array(randomBytes(bytes));
    const file = new LogFile(this.logPath);
    const log = new NamespaceLog(file, random);
    const hostList = new HostList(this.#list, join(this.#folder, "spool"));
    const { boot, fresh } = await beginLog(
      log,
      { bootId: BOOT_ID, kernel: "6.1", resetCount: 1, restartCount: 0 },
      {
        baseline: () => this.tpm.readAnchor("sha256"),
        hostEntries: () => HOST_ENTRIES,
        programs: () => PROGRAMS,
        version: "0.1.0",
        random,
      },
    );
    ring.skipTo(file.ringPosition);
    const registry = new Registry(HOST, random);
    const code = new CodeBook();
    const counters = {
      identities: () => PROGRAMS,
      recursionMisses: () => this.misses,
      lostTotal: () => this.lostTotal,
      lostByPlace: () =>
        [...this.lostByCgroup].map(([cgroup, lost]) => ({ cgroup, pidNamespace: 0, lost })),
    };
    const losses = new Losses(counters, (place) => registry.ownersOfLoss(place));
    for (const event of log.history()) {
      registry.learn(event);
      code.learn(event);
      losses.learn(event);
    }
    const monitor = new Monitor({
      programs: { ring, forgetSeen: () => this.forgotten++, countMark: () => this.marked++ },
      losses,
      hostList,
      log,
      registry,
      code,
      anchor: new Anchor(this.tpm, file, boot.baseline),
      tpm: this.tpm,
      bootLog: () => this.bootLog,
      yieldTurn: async () => this.onYield(),
    });
    this.#running = { monitor, log, file, hostList, fresh };
    return this.#running;
  }

  /** The monitor ends as by SIGKILL: the kernel closes its files, and nothing else happens. */
  kill(): void {
    this.#running?.file.close();
    this.#running?.hostList.close();
    this.#running = null;
  }

  /** As `kill`, and nothing is left of the node. */
  remove(): void {
    this.kill();
    rmSync(this.#folder, { recursive: true });
  }

  /** A task does something that the programs see. */
  see(fields: RecordFields = {}): void {
    this.kernel.send(ringRecord(fields));
  }

  /** IMA appends an entry, then extends its PCR. Returns the entry's template digest. */
  measure(path: string, fill = 1): Uint8Array {
    const { bytes, templateDigest } = hostListRecord(path, fill);
    appendFileSync(this.#list, bytes);
    this.tpm.extendHostList(templateDigest);
    return templateDigest;
  }

  lose(cgroup: number, count: number): void {
    this.lostByCgroup.set(cgroup, (this.lostByCgroup.get(cgroup) ?? 0) + count);
    this.lostTotal += count;
  }

  /** What is in the log, read by whoever has the file only. */
  events(): NamespaceEvent[] {
    if (this.#running !== null) return [...this.#running.log.history()];
    const file = new LogFile(this.logPath);
    try {
      return [...file.batches(), file.unsealed].flat().map(({ event }) => decodeEvent(event));
    } finally {
      file.close();
    }
  }
}
