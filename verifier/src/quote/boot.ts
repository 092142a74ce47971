// SPDX-License-Identifier: Apache-2.0

import type { BootEvent } from "@nsattest/ns-ima";
import type { TpmClock } from "@nsattest/tpm";
import { VerifierError } from "../error.ts";

/** The boot that evidence was accepted from, and how far its TPM's clock was. */
export interface Boot {
  /** The kernel's; a claim until the anchored log confirms it. */
  readonly bootId: string;
  readonly clock: TpmClock;
}

/**
 * Whether a quote is from the boot that is known (`false`), or from a new one (`true`): then everything is replayed
 * from zero. A new boot has a higher reset count and another boot id; all else is the known one going on, or a kernel
 * that was started without the TPM noticing, whose list and log prove nothing until a reboot.
 *
 * @throws VerifierError `ANCHOR_RESTART`, `QUOTE_CLOCK`
 */
export function isNewBoot(known: Boot | null, seen: Boot): boolean {
  if (known === null) return true;
  const sameId = known.bootId === seen.bootId;
  const { resetCount, restartCount, clock } = known.clock;
  if (seen.clock.resetCount > resetCount && !sameId) return true;
  if (!sameId || seen.clock.resetCount !== resetCount || seen.clock.restartCount !== restartCount) {
    throw new VerifierError(
      "ANCHOR_RESTART",
      `boot ${known.bootId} at reset ${resetCount}.${restartCount} of the TPM cannot go on as ${seen.bootId} ` +
        `at ${seen.clock.resetCount}.${seen.clock.restartCount}`,
    );
  }
  if (seen.clock.clock < clock) {
    throw new VerifierError("QUOTE_CLOCK", "the TPM's clock went backwards within one boot");
  }
  return false;
}

/**
 * Checks that the log's boot event is about the boot that was quoted.
 *
 * @throws VerifierError `EVIDENCE_OTHER_BOOT`; `ANCHOR_RESTART` when the machine slept since the log began
 */
export function checkBootEvent(event: BootEvent | null, { bootId, clock }: Boot): void {
  if (event?.bootId !== bootId || event.resetCount !== clock.resetCount) {
    throw new VerifierError(
      "EVIDENCE_OTHER_BOOT",
      `the log is of boot ${event?.bootId} at reset ${event?.resetCount}, the quote of ${bootId} at ${clock.resetCount}`,
    );
  }
  if (event.restartCount !== clock.restartCount) {
    throw new VerifierError("ANCHOR_RESTART", "the TPM was restarted after the log began");
  }
}
