// SPDX-License-Identifier: Apache-2.0

import { createHash, randomBytes, randomUUID } from "node:crypto";
import {
  anchorDigest,
  type BootEvent,
  EventFlag,
  type ExecEvent,
  encodeEntry,
  type FileDigest,
  HOST,
  type ListEntry,
  type LogBatch,
  type LogRecord,
  type NamespaceEvent,
  type NsOpenEvent,
  parseMeasurementList,
  type RecordFields,
} from "@nsattest/ns-ima";
import { type Challenge, type Evidence, encodeEvent } from "@nsattest/protocol";
import { digest, encodeEventLog, HASH_ALGORITHMS, type HashName } from "@nsattest/tpm";
import { type FakeBootEvent, GOOD_BOOT, measuredEvent } from "./fake-boot.ts";
import { type FakeKey, FakeTpm, newFakeKey } from "./fake-tpm.ts";

/** A file is its content here: a digest can be had without one. */
export function contentDigest(content: string): FileDigest {
  return { algorithm: "sha256", value: createHash("sha256").update(content).digest() };
}

export interface FakeFile {
  readonly path: string;
  readonly content: string;
}

/** A file whose record says something else than usual. */
export interface MeasuredFile extends FakeFile {
  readonly entry?: Partial<RecordFields>;
}

export const MONITOR: FakeFile = { path: "/usr/lib/nsattest/monitor.cjs", content: "monitor" };
export const IMA_POLICY: FakeFile = { path: "/etc/ima/ima-policy", content: "ima policy" };
export const INIT: FakeFile = { path: "/sbin/init", content: "init" };
export const RUNC: FakeFile = { path: "/usr/sbin/runc", content: "runc" };

const AT_BOOT = [
  { path: "boot_aggregate", content: "" },
  IMA_POLICY,
  INIT,
  MONITOR,
] as const satisfies readonly MeasuredFile[];

/** Flags of a task that stands in the host's namespaces. */
export const ON_HOST: number = EventFlag.HOST_MOUNT | EventFlag.HOST_PID;

const BANKS = Object.keys(HASH_ALGORITHMS) as HashName[];
const LIST_PCR = 10;
const LOG_PCR = 13;

/** Keys take long to make: a node has one of its own only where that matters. */
const USUAL_KEY = newFakeKey();

/**
 * A node without kernel, BPF or TPM: its methods do what the real parts do to list, log and PCRs, and
 * {@link FakeNode.evidence} makes of them what the agent would send. Whatever an attacker could change is public.
 */
export class FakeNode {
  readonly id: string;
  readonly tpm: FakeTpm;
  /** What the registrar holds. */
  registeredAk: Uint8Array;
  bootId = "";
  /** The kernel computes SHA-1 only, and extends that into all banks. */
  paddedSha1 = false;
  /** What is measured when it is started, in all banks. */
  bootEvents: readonly FakeBootEvent[] = GOOD_BOOT;
  /** What firmware hands over of that; null for firmware that has no log. */
  bootLog: Uint8Array | null = null;
  /** The host list, a record each. */
  list: Uint8Array[] = [];
  batches: LogBatch[] = [];
  /** Written, not anchored yet. */
  records: LogRecord[] = [];
  tags = new Map<string, Uint8Array>();

  constructor(id: string = randomUUID(), ak: FakeKey = USUAL_KEY) {
    this.id = id;
    this.tpm = new FakeTpm(ak);
    this.registeredAk = ak.akPublic;
  }

  /** What the kernel does with a file that a rule measures: append, then extend. Returns the SHA-256 template digest. */
  measure(file: FakeFile, change: Partial<RecordFields> = {}): Uint8Array {
    return this.extendList(this.append(file, change));
  }

  /** The second half of {@link FakeNode.measure}. */
  extendList(record: Uint8Array): Uint8Array {
    const { isViolation, pcr, hashed } = partsOf(record);
    const extended = (bank: HashName): Uint8Array => {
      const { size } = HASH_ALGORITHMS[bank];
      if (isViolation) return new Uint8Array(size).fill(0xff);
      if (!this.paddedSha1) return digest(bank, hashed);
      const padded = new Uint8Array(size);
      padded.set(digest("sha1", hashed));
      return padded;
    };
    this.tpm.extend(pcr, eachBank(extended));
    return isViolation ? new Uint8Array(32) : digest("sha256", hashed);
  }

  /** Appends without extending: a record that is still pending, or one that somebody invented. */
  append(file: FakeFile, change: Partial<RecordFields> = {}): Uint8Array {
    const record = listRecord(file, change);
    this.list.push(record);
    return record;
  }

  /** Writes an event into the log, with the tag of its namespace unless told otherwise. */
  write(event: NamespaceEvent, tag?: Uint8Array): void {
    if (event.kind === "boot" || event.kind === "ns-open") this.tags.set(event.ns, event.tag);
    this.records.push({
      tag: tag ?? this.tags.get(event.ns) ?? randomBytes(32),
      salt: randomBytes(32),
      event: encodeEvent(event),
    });
  }

  /** Writes bytes into the log that no monitor would write, under the tag of `ns`. */
  writeBytes(ns: string, event: Uint8Array): void {
    this.records.push({ tag: this.tags.get(ns) ?? randomBytes(32), salt: randomBytes(32), event });
  }

  /** Extends PCR 13 with everything written so far, as one batch. */
  anchor(): void {
    if (this.records.length === 0) return;
    this.batches.push(this.records);
    this.extendLog(this.records);
    this.records = [];
  }

  extendLog(batch: LogBatch): void {
    this.tpm.extend(
      LOG_PCR,
      eachBank((bank) => anchorDigest(batch, bank)),
    );
  }

  /** Says that all owners of the list as it is now are in the log, and anchors. */
  mark(index: number = this.list.length): void {
    this.write({ kind: "mark", ns: HOST, index });
    this.anchor();
  }

  /** Power on: the kernel measures `files`, the loader attaches, the monitor writes its first event. */
  boot(change: Partial<BootEvent> = {}, files: readonly MeasuredFile[] = AT_BOOT): void {
    this.powerOn(files);
    this.startLog(change);
  }

  /** Everything before there is a log. */
  powerOn(files: readonly MeasuredFile[] = AT_BOOT): void {
    if (this.bootId !== "") this.tpm.reset();
    this.bootId = randomUUID();
    this.list = [];
    this.batches = [];
    this.records = [];
    this.tags = new Map();
    const events = this.bootEvents.map(measuredEvent);
    for (const { pcr, digests } of events) this.tpm.extend(pcr, Object.fromEntries(digests));
    this.bootLog = encodeEventLog({ banks: BANKS, events });
    for (const file of files) this.measure(file, { ...this.#aggregateFor(file), ...file.entry });
  }

  /** The kernel's aggregate has a digest of PCRs where others have one of a file. */
  #aggregateFor({ path, content }: MeasuredFile): Partial<RecordFields> {
    if (path !== "boot_aggregate" || content !== "") return {};
    const pcrs = Array.from({ length: 10 }, (_, index) => this.tpm.pcr(index));
    return { digest: { algorithm: "sha256", value: digest("sha256", ...pcrs) } };
  }

  startLog(change: Partial<BootEvent> = {}): void {
    this.write({
      kind: "boot",
      ns: HOST,
      tag: randomBytes(32),
      bootId: this.bootId,
      kernel: "6.1.0",
      resetCount: this.tpm.resetCount,
      restartCount: this.tpm.restartCount,
      baseline: new Uint8Array(this.tpm.pcr(LOG_PCR)),
      hostEntries: this.list.length,
      programs: [],
      version: "0.1.0",
      ...change,
    });
    this.mark();
  }

  /** A container begins. Returns its namespace. */
  open(name: string, change: Partial<NsOpenEvent> = {}): string {
    const ns = `${name}/${this.tags.size}`;
    this.write({
      kind: "ns-open",
      ns,
      tag: randomBytes(32),
      cgroup: 1000 + this.tags.size,
      mountNamespace: 4_026_532_000,
      pidNamespace: 4_026_532_001,
      runtime: "runc",
      declared: true,
      privileged: [],
      labels: [
        ["image", IMAGE],
        ["name", name],
      ],
      ...change,
    });
    return ns;
  }

  /** Only the BPF program's event: the kernel had the file in its list before, or does not measure it. */
  execute(ns: string, { path, content }: FakeFile, change: Partial<ExecEvent> = {}): void {
    const flags = ns === HOST ? ON_HOST : 0;
    const digest = contentDigest(content);
    this.write({
      kind: "exec",
      ns,
      how: "exec",
      path,
      digest,
      fsMagic: 0xef53,
      file: 0,
      flags,
      ...change,
    });
  }

  /** The owner of an entry, with the template digest that `measure` gave. */
  claim(ns: string, templateDigest: Uint8Array, flags: number = ns === HOST ? ON_HOST : 0): void {
    const violation = templateDigest.every((byte) => byte === 0);
    this.write({ kind: "measured", ns, templateDigest, violation, flags });
  }

  /** A file runs for the first time: execution, owner, entry. */
  run(ns: string, file: FakeFile, change: Partial<ExecEvent> = {}): void {
    this.execute(ns, file, change);
    this.claim(ns, this.measure(file), change.flags);
  }

  /** What an honest agent sends for `challenge`. */
  evidence(challenge: Challenge): Evidence {
    const { bank, pcrs } = challenge;
    const quote = this.tpm.quote(challenge.nonce, [{ bank, pcrs }]);
    const list = Buffer.concat(this.list);
    return {
      bootId: this.bootId,
      nonce: challenge.nonce,
      ...quote,
      listOffset: challenge.listOffset,
      list: list.subarray(challenge.listOffset),
      logOffset: challenge.logOffset,
      batches: this.batches.slice(challenge.logOffset),
      bootLog: challenge.bootLog ? this.bootLog : null,
    };
  }
}

/** The image that containers are started from unless a test says otherwise. */
export const IMAGE: string = `sha256:${Buffer.from(digest("sha256", Buffer.from("image"))).toString("hex")}`;

/** A record of the host list as the kernel writes it. */
export function listRecord(
  { path, content }: FakeFile,
  change: Partial<RecordFields> = {},
): Uint8Array {
  return encodeEntry({
    pcr: LIST_PCR,
    template: "ima-sig",
    digest: contentDigest(content),
    path: path.replaceAll(" ", "_"),
    signature: null,
    buffer: null,
    ...change,
  });
}

/** The one entry in `record`. */
export function entryOf(record: Uint8Array): ListEntry {
  const [entry] = parseMeasurementList(record).entries;
  if (!entry) throw new Error("the record is no entry");
  return entry;
}

function eachBank(digestIn: (bank: HashName) => Uint8Array): Record<HashName, Uint8Array> {
  return Object.fromEntries(BANKS.map((bank) => [bank, digestIn(bank)])) as Record<
    HashName,
    Uint8Array
  >;
}

/** What the kernel extends of a record, read without the code under test. */
function partsOf(record: Uint8Array): { isViolation: boolean; pcr: number; hashed: Uint8Array } {
  const bytes = Buffer.from(record);
  const isViolation = bytes.subarray(4, 24).every((byte) => byte === 0);
  const nameEnd = 28 + bytes.readUInt32LE(24);
  const legacy = Buffer.alloc(276);
  if (bytes.subarray(28, nameEnd).equals(Buffer.from("ima"))) {
    bytes.copy(legacy, 0, nameEnd, nameEnd + 20);
    bytes.copy(legacy, 20, nameEnd + 24);
    return { isViolation, pcr: bytes.readUInt32LE(), hashed: legacy };
  }
  return { isViolation, pcr: bytes.readUInt32LE(), hashed: bytes.subarray(nameEnd + 4) };
}

/** A copy of `bytes` with one bit of one byte changed. */
export function flipBit(bytes: Uint8Array, at: number): Uint8Array {
  const copy = new Uint8Array(bytes);
  copy[at] = (copy[at] ?? 0) ^ 1;
  return copy;
}
