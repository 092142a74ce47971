// SPDX-License-Identifier: Apache-2.0

import { readdirSync } from "node:fs";
import type { ProgramIdentity } from "@nsattest/ns-ima";
import { ByteReader } from "@nsattest/tpm";
import { AgentError } from "../../error.ts";
import { STATS } from "../../loader/pins.ts";
import { mapShared } from "../../sys/ffi.ts";
import {
  deleteKey,
  linkedProgram,
  mapKeys,
  mapSize,
  openPin,
  programInfo,
  readCounter,
  writeCounter,
} from "../../sys/libbpf.ts";
import { RingReader } from "./ring.ts";

const PAGE = 4096;
const SEEN_KEY_BYTES = 72;
const FORGET_WALKS = 4;
const PLACE_KEY_BYTES = 16;

/** Where a task stood whose events could not be delivered, as far as the kernel keeps it. All zero: it had no room for that. */
export interface LostPlace {
  readonly cgroup: number;
  /** Pid namespace at the first level below the host's; 0 for a task of the host's. */
  readonly pidNamespace: number;
}

interface Pinned {
  readonly program: number;
  readonly link: number;
}

/** The pinned programs and maps, read with CAP_BPF. They run whether or not anybody reads them. */
export class KernelPrograms {
  readonly ring: RingReader;
  /** Descriptor that becomes readable when the ring holds records. */
  readonly ringFd: number;
  readonly #programs: readonly Pinned[];
  readonly #stats: number;
  readonly #lost: number;
  readonly #seen: number;

  /** @throws AgentError `BPF_PINS` when the loader has not run */
  constructor(folder: string) {
    const names = pinsIn(folder)
      .filter((pin) => pin.startsWith("prog_"))
      .map((pin) => pin.slice("prog_".length));
    if (names.length === 0) {
      throw new AgentError("BPF_PINS", `no programs in ${folder}: start nsattest-bpf first`);
    }
    this.#programs = names.map((name) => ({
      program: openPin(`${folder}/prog_${name}`),
      link: openPin(`${folder}/link_${name}`),
    }));
    this.ringFd = openPin(`${folder}/map_events`);
    this.#stats = openPin(`${folder}/map_stats`);
    this.#lost = openPin(`${folder}/map_lost`);
    this.#seen = openPin(`${folder}/map_seen`);
    const size = mapSize(this.ringFd);
    const consumer = mapShared(this.ringFd, 0, PAGE, true);
    const producer = mapShared(this.ringFd, PAGE, PAGE + 2 * size, false);
    this.ring = new RingReader(consumer, producer, size);
  }

  /** Entries in the host list right after attaching, counted by the loader. @throws AgentError `BPF_PINS` when it did not finish */
  hostEntries(): number {
    const entries = readCounter(this.#stats, STATS.hostEntries) ?? 0;
    if (entries === 0)
      throw new AgentError("BPF_PINS", "the loader did not finish: it left no list length");
    return entries;
  }

  /** What runs now, sorted by name. @throws AgentError `BPF_PINS` when a link runs another program than the pinned one */
  identities(): ProgramIdentity[] {
    return this.#programs
      .map(({ program, link }) => {
        const { name, id, tag, loadTime } = programInfo(program);
        if (linkedProgram(link) !== id)
          throw new AgentError("BPF_PINS", `the link of ${name} runs another program`);
        return { name, id, tag, loadTime };
      })
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** Times any program was skipped by the kernel, in all. Only ever grows. */
  recursionMisses(): number {
    return this.#programs.reduce(
      (sum, { program }) => sum + programInfo(program).recursionMisses,
      0,
    );
  }

  /** Events that could not be delivered, in all. Only ever grows. */
  lostTotal(): number {
    return readCounter(this.#stats, STATS.lost) ?? 0;
  }

  /** Undelivered events by where the tasks stood. */
  lostByPlace(): (LostPlace & { readonly lost: number })[] {
    return mapKeys(this.#lost, PLACE_KEY_BYTES).map((key) => {
      const reader = new ByteReader(key);
      const place = { cgroup: reader.u64le(), pidNamespace: reader.u32le() };
      return { ...place, lost: readCounter(this.#lost, key) ?? 0 };
    });
  }

  /** Tells the kernel that a mark was made: what each container may put into the ring is counted anew. */
  countMark(): void {
    writeCounter(this.#stats, STATS.marks, (readCounter(this.#stats, STATS.marks) ?? 0) + 1);
  }

  /** Makes the kernel send everything again that it sent before: what was lost must not be suppressed as a repeat. */
  forgetSeen(): void {
    // The kernel evicts and adds keys while they are walked, and a walk may miss some: a few walks find them all.
    for (let walk = 0; walk < FORGET_WALKS; walk++) {
      const keys = mapKeys(this.#seen, SEEN_KEY_BYTES);
      if (keys.length === 0) return;
      for (const key of keys) deleteKey(this.#seen, key);
    }
  }
}

function pinsIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (cause) {
    throw new AgentError("BPF_PINS", `${folder} cannot be read: start nsattest-bpf first`, {
      cause,
    });
  }
}
