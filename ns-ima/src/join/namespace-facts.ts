// SPDX-License-Identifier: Apache-2.0

import type { BytePath, ExecEvent, FileDigest, NsOpenEvent } from "../log/event.ts";
import type { Chain } from "./chain.ts";

/** What a namespace executed or mapped: once for each way, path, digest and flags. */
export type Execution = Omit<ExecEvent, "kind" | "ns">;

/**
 * Why what a container ran cannot be told for certain:
 *
 * - `no-execution`: it caused an entry whose file digest is in none of its executions
 * - `zero-digest`: it caused an entry for which the kernel had no digest
 * - `violation`: it caused a violation
 * - `no-digest`: it executed a file for which the kernel had no digest
 */
export type UnstableReason = "no-execution" | "zero-digest" | "violation" | "no-digest";

/** A reason why a namespace is `DIGEST_UNSTABLE`. Never one of the host's: a container could arrange it. */
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

/** All that the join keeps of one namespace. Positions are numbers of events in the log. */
export interface NamespaceFacts {
  /** Null for the host. */
  readonly opened: NsOpenEvent | null;
  readonly openedAt: number;
  /** Null while it is open. */
  readonly closed: { readonly hostGapAt: number } | null;
  /** Last gap of its own. */
  readonly gapAt: number;
  readonly resyncAt: number;
  readonly executions: Chain<Execution>;
  /** Entries that were joined to it at some time: some of them may be the host's by now. */
  readonly entries: Chain<number>;
  readonly unstable: Chain<UnstableFinding>;
}

const NEVER = -1;

export function newNamespace(opened: NsOpenEvent | null, openedAt: number): NamespaceFacts {
  return {
    opened,
    openedAt,
    closed: null,
    gapAt: NEVER,
    resyncAt: NEVER,
    executions: null,
    entries: null,
    unstable: null,
  };
}

/** @param hostGapAt last gap of the host: one for everybody who was open then */
export function gapState(facts: NamespaceFacts, hostGapAt: number): GapState {
  const shared = facts.closed ? facts.closed.hostGapAt : hostGapAt;
  const last = Math.max(facts.gapAt, shared > facts.openedAt ? shared : NEVER);
  if (last === NEVER) return "none";
  return facts.resyncAt > last ? "resynced" : "open";
}

/** Key of a digest that names a content; null for none and for all zeros, which name no content. */
export function digestKey(digest: FileDigest | null): string | null {
  if (digest === null || isZero(digest.value)) return null;
  return `${digest.algorithm}:${bytesKey(digest.value)}`;
}

/** Bytes as a key of a map: one character each, for a list has very many. */
export function bytesKey(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
}

function isZero(bytes: Uint8Array): boolean {
  for (const byte of bytes) if (byte !== 0) return false;
  return true;
}
