// SPDX-License-Identifier: Apache-2.0

import { EventFlag, HOST, type LogRecord, type NamespaceEvent } from "@nsattest/ns-ima";
import { type Evidence, encodeEvent } from "@nsattest/protocol";
import { contentDigest, IMAGE, INIT, listRecord } from "../../fakes/fake-node.ts";

const BOOT_ID = "26c7e9cd-8c58-4f1c-a311-0081508211aa";

const HOST_TAG = new Uint8Array(32).fill(1);
const WEB_TAG = new Uint8Array(32).fill(2);

/** One event of each kind, at least. */
export const EVENTS: readonly NamespaceEvent[] = [
  {
    kind: "boot",
    ns: HOST,
    tag: HOST_TAG,
    bootId: BOOT_ID,
    kernel: "6.1.0-49-amd64",
    resetCount: 7,
    restartCount: 0,
    baseline: new Uint8Array(32),
    hostEntries: 12,
    programs: [{ name: "nsattest_exec", id: 3, tag: new Uint8Array(8), loadTime: 1_000_000 }],
    version: "0.1.0",
  },
  {
    kind: "ns-open",
    ns: "web/2",
    tag: WEB_TAG,
    cgroup: 4242,
    mountNamespace: 4_026_532_000,
    pidNamespace: 4_026_532_001,
    runtime: "runc",
    declared: true,
    privileged: ["CAP_BPF"],
    labels: [
      ["image", IMAGE],
      ["name", "web"],
    ],
  },
  {
    kind: "exec",
    ns: "web/2",
    how: "exec",
    path: "/bin/b\xe9 x",
    digest: contentDigest("busybox"),
    fsMagic: 0xef53,
    file: 7,
    flags: EventFlag.HOST_PID,
  },
  {
    kind: "exec",
    ns: HOST,
    how: "anonymous",
    path: "",
    digest: null,
    fsMagic: 0,
    file: 0,
    flags: 0,
  },
  {
    kind: "measured",
    ns: "web/2",
    templateDigest: new Uint8Array(32).fill(7),
    violation: false,
    flags: 3,
  },
  { kind: "measured", ns: "web/2", templateDigest: new Uint8Array(32), violation: true, flags: 0 },
  { kind: "mark", ns: HOST, index: 14 },
  { kind: "gap", ns: HOST, lost: 3, reason: "ring-overflow" },
  { kind: "resync", ns: "web/2", found: 2 },
  { kind: "ns-close", ns: "web/2", executions: 5, reason: "cgroup empty" },
];

/** Bytes of {@link EVENTS}. */
export function eventBytes(): Uint8Array[] {
  return EVENTS.map((event) => encodeEvent(event));
}

/** A host list as the kernel writes it. */
export const LIST: Uint8Array = new Uint8Array(
  Buffer.concat([
    listRecord({ path: "boot_aggregate", content: "PCRs" }),
    listRecord(INIT),
    listRecord({ path: "/bin/a b", content: "tool" }, { template: "ima-ng" }),
    listRecord(INIT, { digest: null }),
  ]),
);

const RECORDS: readonly LogRecord[] = EVENTS.map((event, index) => ({
  tag: event.ns === HOST ? HOST_TAG : WEB_TAG,
  salt: new Uint8Array(32).fill(index),
  event: encodeEvent(event),
}));

/** Evidence of a whole boot, and evidence in which nothing is new. */
export function sampleEvidence(): Evidence[] {
  const first: Evidence = {
    bootId: BOOT_ID,
    nonce: new Uint8Array(32).fill(9),
    attest: new Uint8Array(129).fill(4),
    signature: new Uint8Array(72).fill(5),
    pcrs: [
      { bank: "sha256", index: 10, value: new Uint8Array(32).fill(10) },
      { bank: "sha1", index: 13, value: new Uint8Array(20).fill(13) },
    ],
    listOffset: 0,
    list: LIST,
    logOffset: 0,
    batches: [RECORDS.slice(0, 3), RECORDS.slice(3)],
    bootLog: new Uint8Array(65).fill(14),
  };
  const nothing = new Uint8Array();
  return [first, { ...first, listOffset: LIST.length, list: nothing, logOffset: 2, batches: [] }];
}
