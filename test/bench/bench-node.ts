// SPDX-License-Identifier: Apache-2.0

import { randomUUID } from "node:crypto";
import {
  anchorDigest,
  type BytePath,
  encodeEntry,
  HOST,
  type LogBatch,
  type LogRecord,
  type NamespaceEvent,
} from "@nsattest/ns-ima";
import { type Evidence, encodeEvent } from "@nsattest/protocol";
import { digest, type PcrSelection } from "@nsattest/tpm";
import { type FakeKey, FakeTpm } from "../fakes/fake-tpm.ts";

/** One file of a list: what is measured of it. */
export interface BenchFile {
  readonly path: BytePath;
  /** SHA-256 of its content. */
  readonly digest: Uint8Array;
  readonly signature?: Uint8Array;
}

const SELECTION: PcrSelection = [{ bank: "sha256", pcrs: [10, 13] }];
const TEMPLATE = "ima-sig";
/** Header of a record: PCR, SHA-1, length of the name, name, length of the data. */
const HEADER = 4 + 20 + 4 + TEMPLATE.length + 4;

/** A node whose lists may be very long: what it measured is bytes, and PCRs are extended as they come. */
export class BenchNode {
  readonly bootId: string = randomUUID();
  readonly tpm: FakeTpm;
  #chunk: Uint8Array[] = [];
  #start = 0;
  #length = 0;
  #entries = 0;
  #batches: LogBatch[] = [];
  #sent = 0;
  #records: LogRecord[] = [];
  readonly #tags = new Map<string, Uint8Array>();

  constructor(ak: FakeKey) {
    this.tpm = new FakeTpm(ak);
  }

  get entries(): number {
    return this.#entries;
  }

  /** The kernel appends and extends. Returns the SHA-256 template digest. */
  measure({ path, digest: value, signature = new Uint8Array() }: BenchFile): Uint8Array {
    const record = listRecord({ path, digest: value, signature });
    this.#chunk.push(record);
    this.#length += record.length;
    this.#entries++;
    const sha256 = digest("sha256", dataOf(record));
    this.tpm.extend(10, { sha1: record.subarray(4, 24), sha256 });
    return sha256;
  }

  write(event: NamespaceEvent): void {
    if (event.kind === "boot" || event.kind === "ns-open") this.#tags.set(event.ns, event.tag);
    const tag = this.#tags.get(event.ns);
    if (!tag) throw new Error(`${event.ns} was not opened`);
    this.#records.push({ tag, salt: counted(this.#length, 32), event: encodeEvent(event) });
  }

  /** The log begins: everything measured so far is the host's. */
  startLog(): void {
    this.write({
      kind: "boot",
      ns: HOST,
      tag: counted(1, 32),
      bootId: this.bootId,
      kernel: "6.1.0",
      resetCount: this.tpm.resetCount,
      restartCount: this.tpm.restartCount,
      baseline: new Uint8Array(32),
      hostEntries: this.#entries,
      programs: [],
      version: "0.1.0",
    });
  }

  /** A container begins. */
  open(id: string, image: string): string {
    const ns = `${id}/${this.#tags.size}`;
    this.write({
      kind: "ns-open",
      ns,
      tag: counted(1000 + this.#tags.size, 32),
      cgroup: 1000 + this.#tags.size,
      mountNamespace: 4_026_532_000,
      pidNamespace: 4_026_532_001,
      runtime: "runc",
      declared: true,
      privileged: [],
      labels: [
        ["image", image],
        ["name", id],
      ],
    });
    return ns;
  }

  /** A file runs in a container. */
  execute(ns: string, { path, digest: value }: BenchFile): void {
    const file = { algorithm: "sha256", value };
    this.write({
      kind: "exec",
      ns,
      how: "exec",
      path,
      digest: file,
      fsMagic: 0xef53,
      file: 0,
      flags: 0,
    });
  }

  /** The same for the first time on this node: execution, owner, entry. */
  run(ns: string, file: BenchFile): void {
    this.execute(ns, file);
    this.cause(ns, file);
  }

  /** A list entry and its owner. */
  cause(ns: string, file: BenchFile): void {
    const templateDigest = this.measure(file);
    this.write({ kind: "measured", ns, templateDigest, violation: false, flags: 0 });
  }

  /** Mark, and everything written becomes one batch of the log. */
  mark(): void {
    this.write({ kind: "mark", ns: HOST, index: this.#entries });
    const batch = this.#records;
    this.#records = [];
    this.#batches.push(batch);
    this.tpm.extend(13, {
      sha1: anchorDigest(batch, "sha1"),
      sha256: anchorDigest(batch, "sha256"),
    });
  }

  /** Evidence of everything since the last call. */
  news(nonce: Uint8Array): Evidence {
    const list = new Uint8Array(Buffer.concat(this.#chunk));
    const evidence: Evidence = {
      bootId: this.bootId,
      nonce,
      ...this.tpm.quote(nonce, SELECTION),
      listOffset: this.#start,
      list,
      logOffset: this.#sent,
      batches: this.#batches,
      bootLog: null,
    };
    this.#chunk = [];
    this.#start = this.#length;
    this.#sent += this.#batches.length;
    this.#batches = [];
    return evidence;
  }
}

/** A record of the host list as the kernel writes it. */
export function listRecord({ path, digest: value, signature }: BenchFile): Uint8Array {
  return encodeEntry({
    pcr: 10,
    template: TEMPLATE,
    digest: { algorithm: "sha256", value },
    path,
    signature: signature === undefined || signature.length === 0 ? null : signature,
    buffer: null,
  });
}

/** The part of a record that is hashed. */
export function dataOf(record: Uint8Array): Uint8Array {
  return record.subarray(HEADER);
}

/** `size` bytes that are different for each number. */
export function counted(number: number, size: number): Uint8Array {
  const bytes = Buffer.alloc(size);
  bytes.writeDoubleBE(number + 1, 0);
  return new Uint8Array(bytes);
}
