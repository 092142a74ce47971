// SPDX-License-Identifier: Apache-2.0

import {
  ContentCache,
  DEFAULT_LIST_PINS,
  EMPTY_LOG,
  IMA_PCR,
  initialListState,
  type NamespaceEvent,
  replayList,
  replayLog,
} from "@nsattest/ns-ima";
import { decodeEvent } from "@nsattest/protocol";
import { ANCHOR_PCR } from "../src/monitor/anchor/tpm-port.ts";
import type { EvidenceParts, Monitor, Wanted } from "../src/monitor/monitor.ts";
import type { Declaration } from "../src/monitor/registry/registry.ts";
import type { NodeBench } from "./node-bench.ts";

/** Cgroup of the container that `declaration` declares. */
export const WEB = 77;
const NONCE = new Uint8Array(32).fill(5);

export function declaration(containerId = "web", cgroup: number = WEB): Declaration {
  return {
    containerId,
    place: { cgroup, mountNamespace: 101, pidNamespace: 102 },
    runtime: "oci",
    declared: true,
    privileged: [],
    labels: [["name", containerId]],
  };
}

/** What the log says after its beginning, in short: kind and namespace, and what distinguishes events of a kind in tests. */
export function storyOf(node: NodeBench): string[] {
  return node
    .events()
    .slice(1)
    .map((event) => `${event.kind} ${event.ns} ${detailOf(event)}`.trim());
}

function detailOf(event: NamespaceEvent): string {
  switch (event.kind) {
    case "exec":
      return event.path;
    case "mark":
      return String(event.index);
    case "gap":
      return `${event.reason} ${event.lost}`;
    case "ns-close":
      return event.reason;
    case "boot":
    case "measured":
    case "ns-open":
    case "resync":
      return "";
  }
}

/** What a verifier asks for that has so much already. */
export function wanted(listOffset: number, logOffset: number): Wanted {
  return {
    nonce: NONCE,
    listOffset,
    logOffset,
    bank: "sha256",
    pcrs: [IMA_PCR, ANCHOR_PCR],
    bootLog: false,
  };
}

/** Evidence that a verifier would replay to the end; returns what it learns. */
export async function replayedEvidence(monitor: Monitor): Promise<EvidenceParts> {
  const parts = await monitor.evidence(wanted(0, 0));
  const [hostList, anchor] = parts.pcrs;
  replayLog(EMPTY_LOG, parts.batches, decodeEvent, anchor?.value ?? NONCE);
  const quoted = new Map([[IMA_PCR, hostList?.value ?? NONCE]]);
  replayList(initialListState(DEFAULT_LIST_PINS), parts.list, quoted, new ContentCache(4));
  return parts;
}
