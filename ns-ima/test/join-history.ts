// SPDX-License-Identifier: Apache-2.0

import { hash } from "node:crypto";
import type { EntryOwner, JoinEntry } from "../src/join/entry-owner.ts";
import { joinEvidence } from "../src/join/join.ts";
import { EMPTY_JOIN, type JoinState } from "../src/join/join-state.ts";
import { joinedEntry } from "../src/join/joined-entry.ts";
import { joinedNamespace } from "../src/join/joined-namespace.ts";
import type {
  BootEvent,
  ExecEvent,
  ExecutionKind,
  FileDigest,
  GapReason,
  NamespaceEvent,
  NsOpenEvent,
} from "../src/log/event.ts";
import { EventFlag } from "../src/log/event.ts";

export const { HOST_MOUNT, HOST_PID } = EventFlag;
export const ON_HOST = HOST_MOUNT | HOST_PID;

/** A digest for each word: zeros for the empty one. */
export const digest = (word: string): FileDigest => ({
  algorithm: "sha256",
  value: word === "" ? new Uint8Array(32) : new Uint8Array(hash("sha256", word, "buffer")),
});

/** A list entry with the content `word`. */
export const entry = (word: string, path = `/bin/${word}`): JoinEntry => ({
  template: "ima-sig",
  kind: "file",
  templateDigest: digest(`template of ${word} at ${path}`).value,
  violation: false,
  digest: digest(word),
  path,
  signature: null,
});
export const violation: JoinEntry = {
  template: "ima-sig",
  kind: "file",
  templateDigest: new Uint8Array(32),
  violation: true,
  digest: null,
  path: "/whatever",
  signature: null,
};

export const boot = (hostEntries: number): BootEvent => ({
  kind: "boot",
  ns: "host",
  tag: new Uint8Array(32),
  bootId: "",
  kernel: "",
  resetCount: 0,
  restartCount: 0,
  baseline: new Uint8Array(32),
  hostEntries,
  programs: [],
  version: "",
});
export const open = (ns: string, privileged: readonly string[] = []): NsOpenEvent => ({
  kind: "ns-open",
  ns,
  tag: new Uint8Array(32),
  cgroup: 1,
  mountNamespace: 2,
  pidNamespace: 3,
  runtime: "runc",
  declared: true,
  privileged,
  labels: [["name", ns]],
});
export const exec = (
  ns: string,
  word: string | null,
  { how = "exec" as ExecutionKind, path = `/bin/${word}`, flags = 0 } = {},
): ExecEvent => ({
  kind: "exec",
  ns,
  how,
  path,
  digest: word === null ? null : digest(word),
  fsMagic: 0,
  file: 0,
  flags,
});
export const claim = (ns: string, { templateDigest }: JoinEntry, flags = 0): NamespaceEvent => ({
  kind: "measured",
  ns,
  templateDigest,
  violation: false,
  flags,
});
export const violates = (ns: string, flags = 0): NamespaceEvent => ({
  kind: "measured",
  ns,
  templateDigest: new Uint8Array(32),
  violation: true,
  flags,
});
export const mark = (index: number): NamespaceEvent => ({ kind: "mark", ns: "host", index });
export const gap = (ns: string, reason: GapReason): NamespaceEvent => ({
  kind: "gap",
  ns,
  lost: 1,
  reason,
});
export const resync = (ns: string): NamespaceEvent => ({ kind: "resync", ns, found: 1 });
export const close = (ns: string): NamespaceEvent => ({
  kind: "ns-close",
  ns,
  executions: 0,
  reason: "",
});

export const noRuntime = () => false;
export const runcOnly = ({ value }: FileDigest) =>
  Buffer.compare(value, digest("runc").value) === 0;

/** One evidence after a boot with an empty list and two containers, `a` and `b`. */
export function join(
  entries: readonly JoinEntry[],
  events: readonly NamespaceEvent[],
  isRuntime: (digest: FileDigest) => boolean = noRuntime,
): JoinState {
  const start = [boot(0), open("a/0"), open("b/0")];
  return joinEvidence(EMPTY_JOIN, entries, [...start, ...events], isRuntime).state;
}

export const owners = (state: JoinState): readonly (EntryOwner | undefined)[] =>
  Array.from({ length: state.entries }, (_, index) => joinedEntry(state, index)?.owner);
export const reasons = (state: JoinState, ns: string) =>
  joinedNamespace(state, ns)?.unstable.map(({ reason }) => reason);

export const A = { ns: "a/0" };
export const B = { ns: "b/0" };
export const tool = entry("tool");
