// SPDX-License-Identifier: Apache-2.0

import { TpmError } from "../error.ts";
import { digest, HASH_ALGORITHMS, type HashName } from "../hash-algorithm.ts";
import { PCR_COUNT } from "../pcr.ts";
import type { EventLog } from "./event-log.ts";

/** Begins with what a start by hardware leaves in it. */
const LOCALITY_PCR = 0;

/**
 * The values that the PCRs of `bank` have when the log is all that was extended, by index. PCRs without an event are zero,
 * so the values of those that a TPM starts with other bytes (17 to 22) say nothing.
 *
 * @throws TpmError `EVENT_LOG` when the log has no digests of that bank
 */
export function replayEventLog(log: EventLog, bank: HashName): readonly Uint8Array[] {
  return Array.from({ length: PCR_COUNT }, (_, index) => {
    let value = new Uint8Array(HASH_ALGORITHMS[bank].size);
    if (index === LOCALITY_PCR) value.fill(log.startupLocality, value.length - 1);
    for (const { pcr, digests } of log.events) {
      const extended = digests.get(bank);
      if (extended === undefined) {
        throw new TpmError("EVENT_LOG", `the event log has no digests of ${bank}`);
      }
      if (pcr === index) value = new Uint8Array(digest(bank, value, extended));
    }
    return value;
  });
}
