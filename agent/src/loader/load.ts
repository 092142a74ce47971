// SPDX-License-Identifier: Apache-2.0

import { chmodSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { countRecords } from "@nsattest/ns-ima";
import { AgentError } from "../error.ts";
import {
  linkedProgram,
  loadAttachPin,
  openPin,
  programInfo,
  readCounter,
  writeCounter,
} from "../sys/libbpf.ts";
import { STATS } from "./pins.ts";

export interface LoadInput {
  readonly objectFile: string;
  /** Folder in bpffs that only root and this process may write, readable by the monitor's group. */
  readonly pinFolder: string;
  /** Descriptor of the host list, opened by whoever started us: we lack the permission ourselves. */
  readonly hostListFd: number;
}

export interface LoadResult {
  /** False when the programs of an earlier start were found running. */
  readonly loaded: boolean;
  readonly programs: readonly string[];
  /** Entries in the host list right after attaching; absent when nothing was loaded. */
  readonly hostEntries?: number;
}

/**
 * Makes sure that the programs run and are pinned. Idempotent: pins that are there are checked, never replaced, so a second start
 * costs no event; only what an interrupted start left is removed.
 *
 * The host list is counted right *after* attaching: entries below are the host's, and every later one has an owner in the ring.
 *
 * @throws AgentError `BPF_LOAD`, `BPF_PINS` when the folder holds pins that do not run, `HOST_LIST`
 */
export function ensureLoaded(input: LoadInput): LoadResult {
  const found = readdirSync(input.pinFolder);
  const links = found.filter((name) => name.startsWith("link_"));
  if (links.length > 0 && isFinished(input.pinFolder))
    return { loaded: false, programs: links.map((link) => running(input.pinFolder, link)) };
  // An earlier start was interrupted. Monitors refuse what it left, so nobody misses it.
  for (const pin of found) rmSync(`${input.pinFolder}/${pin}`);
  const pins = loadAttachPin(input.objectFile, input.pinFolder);
  const hostEntries = countEntries(input.hostListFd);
  for (const pin of pins) chmodSync(`${input.pinFolder}/${pin}`, 0o660);
  writeCounter(openPin(`${input.pinFolder}/map_stats`), STATS.hostEntries, hostEntries);
  return {
    loaded: true,
    programs: pins.filter((pin) => pin.startsWith("prog_")).map((pin) => pin.slice("prog_".length)),
    hostEntries,
  };
}

/** Counting the host list is the last thing that is done. */
function isFinished(folder: string): boolean {
  return (readCounter(openPin(`${folder}/map_stats`), STATS.hostEntries) ?? 0) > 0;
}

function running(folder: string, link: string): string {
  const name = link.slice("link_".length);
  const program = programInfo(openPin(`${folder}/prog_${name}`));
  if (linkedProgram(openPin(`${folder}/${link}`)) !== program.id) {
    throw new AgentError("BPF_PINS", `${folder}/${link} does not run the program pinned beside it`);
  }
  return name;
}

function countEntries(fd: number): number {
  const bytes = readFileSync(fd);
  const { entries, bytes: counted } = countRecords(bytes);
  if (counted !== bytes.length || entries === 0) {
    throw new AgentError(
      "HOST_LIST",
      "the host list on standard input is empty or ends inside a record",
    );
  }
  return entries;
}
