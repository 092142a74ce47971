// SPDX-License-Identifier: Apache-2.0

import {
  BOOT_PCRS,
  digest,
  type EventLog,
  eventText,
  eventTypeName,
  type HashName,
  parseEventLog,
  replayEventLog,
  type TpmError,
} from "@nsattest/tpm";
import { VerifierError } from "../error.ts";

/** Something that was measured before the kernel ran. */
export interface BootEvent {
  readonly pcr: number;
  /** Name of its type: the node's claim, for types are not hashed. */
  readonly type: string;
  /** What a person can read in its data: a claim as well. */
  readonly text: string;
  /** `<bank>:<hex>`: what was extended. */
  readonly digest: string;
}

/** What was booted, as far as PCRs say it: in some order within a PCR, and whatever the events call themselves. */
export interface ProvenBoot {
  readonly events: readonly BootEvent[];
  /** What the events lead to, by PCR, in the quoted bank. */
  readonly pcrs: ReadonlyMap<number, Uint8Array>;
  /** What IMA has to have found when it began, by algorithm: digests as lists write them. */
  readonly aggregates: ReadonlyMap<string, string>;
}

/** PCRs in IMA's aggregate: with SHA-1 those of before Linux 5.8 (`ima_calc_boot_aggregate_tfm`). */
const AGGREGATED = 10;
const AGGREGATED_SHA1 = 8;

/**
 * Replays the log of a boot, unless that is `known`, and checks that it leads to the values that were quoted now.
 *
 * Does not say whether what was booted is good.
 *
 * @param log as the node sent it; null where it sent none
 * @param quoted values of all {@link BOOT_PCRS}
 * @returns null when there is no log
 * @throws VerifierError `BOOT_LOG_MALFORMED`; `BOOT_LOG_MISMATCH` when a PCR has another value
 */
export function proveBoot(
  known: ProvenBoot | null,
  log: Uint8Array | null,
  quoted: ReadonlyMap<number, Uint8Array>,
  bank: HashName,
): ProvenBoot | null {
  const boot = known ?? (log && readBoot(log, bank));
  if (boot === null) return null;
  for (const [index, value] of boot.pcrs) {
    if (Buffer.compare(value, quoted.get(index) ?? new Uint8Array()) !== 0) {
      throw new VerifierError(
        "BOOT_LOG_MISMATCH",
        `the events of PCR ${index} in the boot log do not lead to its value: something else was measured`,
      );
    }
  }
  return boot;
}

function readBoot(bytes: Uint8Array, bank: HashName): ProvenBoot {
  try {
    const log = parseEventLog(bytes);
    const pcrs = replayEventLog(log, bank);
    return {
      events: log.events.map(({ pcr, type, digests, data }) => ({
        pcr,
        type: eventTypeName(type),
        text: eventText(data),
        digest: digestText(bank, digests.get(bank)),
      })),
      pcrs: new Map(
        BOOT_PCRS.flatMap((index) =>
          pcrs.slice(index, index + 1).map((value) => [index, value] as const),
        ),
      ),
      aggregates: new Map(log.banks.map((name) => [name, aggregateOf(log, name)])),
    };
  } catch (cause) {
    // Nothing but TpmError comes from a log.
    throw new VerifierError("BOOT_LOG_MALFORMED", (cause as TpmError).message, { cause });
  }
}

function aggregateOf(log: EventLog, bank: HashName): string {
  const count = bank === "sha1" ? AGGREGATED_SHA1 : AGGREGATED;
  return digestText(bank, digest(bank, ...replayEventLog(log, bank).slice(0, count)));
}

function digestText(bank: HashName, value: Uint8Array = new Uint8Array()): string {
  return `${bank}:${Buffer.from(value).toString("hex")}`;
}
