// SPDX-License-Identifier: Apache-2.0

import { readFileSync } from "node:fs";
import type { HashName } from "../src/hash-algorithm.ts";

/** An event log that firmware and kernel wrote, and what the TPM said then: see vectors/event-log/README.md. */
export interface EventLogVector {
  readonly log: Uint8Array;
  readonly commandLine: string;
  /** `<algorithm>:<hex>`, as IMA's list has it. */
  readonly aggregate: string;
  /** Hexadecimal, by bank and index. */
  readonly pcrs: Readonly<Partial<Record<HashName, readonly string[]>>>;
}

interface Document extends Pick<EventLogVector, "pcrs"> {
  readonly about: { readonly commandLine: string };
  readonly aggregate?: string;
  readonly eventLog: string;
}

/** The log of OVMF and the kernel of that series. */
export function readEventLog(kernel: "6.1" | "6.12"): EventLogVector {
  return read(new URL(`vectors/event-log/ovmf-${kernel}.json`, import.meta.url));
}

/** A log of SeaBIOS, from a whole boot of the list's vectors: four banks, and nothing of the kernel. */
export function readSeabiosLog(): EventLogVector {
  return read(new URL("../../ns-ima/test/vectors/kernel-6.12.117/templates.json", import.meta.url));
}

function read(url: URL): EventLogVector {
  const {
    about,
    aggregate = "",
    pcrs,
    eventLog,
  } = JSON.parse(readFileSync(url, "utf8")) as Document;
  const log = new Uint8Array(Buffer.from(eventLog, "base64"));
  return { log, commandLine: about.commandLine, aggregate, pcrs };
}
