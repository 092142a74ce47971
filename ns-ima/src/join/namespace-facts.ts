// SPDX-License-Identifier: Apache-2.0

import type { BytePath, ExecEvent, FileDigest, NamespaceId, NsOpenEvent } from "../log/event.ts";
import type { Chain } from "./chain.ts";

/** What a namespace executed or mapped: once for each way, path, digest and flags. */
export type Execution = Omit<ExecEvent, "kind" | "ns" | "file">;

/**
 * Why what a container ran cannot be told for certain:
 *
 * - `no-execution`: it caused an entry whose file digest is in none of its executions
 * - `zero-digest`: it caused an entry for which the kernel had no digest
 * - `violation`: it caused a violation
 * - `no-digest`: it executed a file for which the kernel had no digest
 * - `writable`: it executed a file that somebody held open, or mapped shared, for writing
 * - `escaped`: a task of it did something in a cgroup that is not its own
 * - `rewritten`: it, or somebody else, opened a file for writing that it had executed
 */
export type UnstableReason =
  | "no-execution"
  | "zero-digest"
  | "violation"
  | "no-digest"
  | "writable"
  | "rewritten"
  | "escaped";

/** A reason why what a namespace ran is not certain. Never one of the host's: a container could arrange it. */
export interface UnstableFinding {
  readonly reason: UnstableReason;
  /** Empty for a violation, whose path is nobody's word. */
  readonly path: BytePath;
  readonly digest: FileDigest | null;
}

/**
 * - `none`: nothing was missed
 * - `open`: something was missed, and what is running has not been read again since
 * - `resynced`: it has been read again; what ended before is still unknown
 */
export type GapState = "none" | "open" | "resynced";

/** What a namespace is from its opening on. */
export interface OpenedNamespace
  extends Pick<NsOpenEvent, "declared" | "privileged" | "labels" | "runtime"> {
  readonly id: NamespaceId;
  /** Its place in the order of opening; the host has 0. */
  readonly number: number;
  readonly openedAt: number;
}

/** All that the join keeps of one namespace. Positions are numbers of events in the log. */
export interface NamespaceFacts {
  readonly opened: OpenedNamespace;
  /** Null while it is open. */
  readonly closed: { readonly hostGapAt: number } | null;
  /** Last gap of its own. */
  readonly gapAt: number;
  readonly resyncAt: number;
  /** See `RunBook.add`. */
  readonly lastRun: number;
  readonly unstable: Chain<UnstableFinding>;
}

const NEVER = -1;

export function newNamespace(opened: OpenedNamespace): NamespaceFacts {
  return { opened, closed: null, gapAt: NEVER, resyncAt: NEVER, lastRun: 0, unstable: null };
}

/** @param hostGapAt last gap of the host: one for everybody who was open then */
export function gapState(facts: NamespaceFacts, hostGapAt: number): GapState {
  const shared = facts.closed ? facts.closed.hostGapAt : hostGapAt;
  const last = Math.max(facts.gapAt, shared > facts.opened.openedAt ? shared : NEVER);
  if (last === NEVER) return "none";
  return facts.resyncAt > last ? "resynced" : "open";
}
