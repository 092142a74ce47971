// SPDX-License-Identifier: Apache-2.0

/** The namespace of the node itself. Every other id is `<container id>/<open counter>`. */
export const HOST = "host";

/** `host`, or `<container id>/<open counter>`: a runtime may reuse container ids, never the counter. */
export type NamespaceId = string;

/**
 * Bytes of a path, one byte a character (latin1). Linux paths are bytes, not text: containers choose them, and two
 * different byte strings must never look equal. Convert for people with `displayPath` only.
 */
export type BytePath = string;

/** Digest of a file's content, as IMA names and computes it. */
export interface FileDigest {
  /** IMA's algorithm name, such as `sha256`. */
  readonly algorithm: string;
  readonly value: Uint8Array;
}

/** Where a task stood that did something: bits of `ExecEvent.flags` and `MeasuredEvent.flags`. */
export const EventFlag = {
  /** The task was in the host's mount namespace. */
  HOST_MOUNT: 1,
  /** The task was in the host's pid namespace. */
  HOST_PID: 2,
  /** The file starts with `#!`: what it does is decided by an interpreter. */
  SCRIPT: 4,
  /** The kernel could not tell the path; `path` is empty. */
  PATH_UNKNOWN: 8,
  /** Somebody held the file open, or mapped shared, for writing. */
  CODE_WRITABLE: 16,
  /** What was rewritten is nobody's code but that of other containers. */
  OTHERS_CODE: 32,
  /** The task stood in a cgroup that is not its container's: its pid namespace says whose it is. */
  ESCAPED: 64,
} as const;

/**
 * - `exec`: execve of a file (a script gives one for itself, one for its interpreter)
 * - `map`: a file mapped executable
 * - `mprotect`: a mapped file made executable later (the kernel gives neither digest nor path there)
 * - `anonymous`: memory without a file mapped executable
 * - `rewrite`: a file that was executed or mapped executable before was opened for writing, or truncated. Logged for the namespace that
 *   did it, and for each whose code it was
 */
export type ExecutionKind = "exec" | "map" | "mprotect" | "anonymous" | "rewrite";

/** One BPF program that fed this log, as the kernel names it. */
export interface ProgramIdentity {
  readonly name: string;
  readonly id: number;
  /** Kernel's 8-byte tag. Differs between kernels for one object: it informs, it does not identify. */
  readonly tag: Uint8Array;
  /** Load time in nanoseconds since boot. */
  readonly loadTime: number;
}

/** First event of a log: what the node was when its log began. */
export interface BootEvent {
  readonly kind: "boot";
  readonly ns: typeof HOST;
  /** 32 random bytes: the tag of the host's own leaves. */
  readonly tag: Uint8Array;
  readonly bootId: string;
  readonly kernel: string;
  readonly resetCount: number;
  readonly restartCount: number;
  /** Value of the anchor PCR (SHA-256 bank) found before the first extend. */
  readonly baseline: Uint8Array;
  /** Length of the host list, in entries, read right after the BPF programs were attached. */
  readonly hostEntries: number;
  readonly programs: readonly ProgramIdentity[];
  /** Version of nsattest on the node. */
  readonly version: string;
}

/** A namespace begins. Everything but the ids is a claim of the runtime. */
export interface NsOpenEvent {
  readonly kind: "ns-open";
  readonly ns: NamespaceId;
  /** 32 random bytes: the tag of this namespace's leaves, never used by another. */
  readonly tag: Uint8Array;
  readonly cgroup: number;
  readonly mountNamespace: number;
  readonly pidNamespace: number;
  readonly runtime: string;
  /** True when a runtime hook announced it before its first instruction. */
  readonly declared: boolean;
  /** Why the container may act as the host (design rule 9); empty when it may not. */
  readonly privileged: readonly string[];
  /** Claims, such as `name` and `image`; sorted by key. */
  readonly labels: readonly (readonly [key: string, value: string])[];
}

/** A namespace's task executed, mapped or made executable a file. */
export interface ExecEvent {
  readonly kind: "exec";
  readonly ns: NamespaceId;
  readonly how: ExecutionKind;
  readonly path: BytePath;
  /** Null when IMA could not give one (O_DIRECT, mprotect, anonymous memory). */
  readonly digest: FileDigest | null;
  /** Superblock magic of the file's file system; 0 when there is no file. */
  readonly fsMagic: number;
  /** The kernel's number of the file: who executes the same file has the same one. 0 where it gave none. */
  readonly file: number;
  readonly flags: number;
}

/** A namespace's task caused IMA to add (or try to add again) a list entry. */
export interface MeasuredEvent {
  readonly kind: "measured";
  readonly ns: NamespaceId;
  /** SHA-256 template digest; 32 zero bytes for a violation. */
  readonly templateDigest: Uint8Array;
  readonly violation: boolean;
  readonly flags: number;
}

/** Every execution and every owner that belongs to host-list entries below `index` stands before this event. */
export interface MarkEvent {
  readonly kind: "mark";
  readonly ns: typeof HOST;
  readonly index: number;
}

/**
 * - `ring-overflow`: the kernel could not deliver events
 * - `recursion-miss`: the kernel skipped the program that records owners
 * - `late-start`: the namespace ran before we could see it
 * - `program-changed`: a program was detached or replaced
 * - `unreadable-event`: the kernel delivered something that is no event of ours
 */
export type GapReason =
  | "ring-overflow"
  | "recursion-miss"
  | "late-start"
  | "program-changed"
  | "unreadable-event";

/** Something was not seen. `ns` is `host` when it cannot be said whose it was: then it is everybody's. */
export interface GapEvent {
  readonly kind: "gap";
  readonly ns: NamespaceId;
  readonly lost: number;
  readonly reason: GapReason;
}

/** After a gap the live executables and mappings of `ns` were read again and logged as executions. */
export interface ResyncEvent {
  readonly kind: "resync";
  readonly ns: NamespaceId;
  readonly found: number;
}

/** A namespace ended. */
export interface NsCloseEvent {
  readonly kind: "ns-close";
  readonly ns: NamespaceId;
  readonly executions: number;
  readonly reason: string;
}

export type NamespaceEvent =
  | BootEvent
  | NsOpenEvent
  | ExecEvent
  | MeasuredEvent
  | MarkEvent
  | GapEvent
  | ResyncEvent
  | NsCloseEvent;

/** One leaf of the namespace log as it is stored and sent: `event` are the exact bytes that were hashed. */
export interface LogRecord {
  readonly tag: Uint8Array;
  readonly salt: Uint8Array;
  readonly event: Uint8Array;
}

/** Records that went into the PCR with one extend, in order. Never empty. */
export type LogBatch = readonly LogRecord[];
