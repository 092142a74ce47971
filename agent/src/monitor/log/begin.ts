// SPDX-License-Identifier: Apache-2.0

import type { BootEvent } from "@nsattest/ns-ima";
import { AgentError } from "../../error.ts";
import type { NamespaceLog } from "./namespace-log.ts";

const TAG_BYTES = 32;

/** What identifies the present boot: the kernel's word and the TPM's. */
export interface BootIdentity {
  readonly bootId: string;
  readonly kernel: string;
  readonly resetCount: number;
  readonly restartCount: number;
}

/** What only the first start of a boot has to find out. */
export interface FirstStart {
  readonly baseline: () => Promise<Uint8Array>;
  readonly hostEntries: () => number;
  readonly programs: () => BootEvent["programs"];
  readonly version: string;
  readonly random: (bytes: number) => Uint8Array;
}

/** The log's `boot` event. */
export interface Beginning {
  readonly boot: BootEvent;
  /** Nothing else is in the log: what ran before it has not been looked for, or not been found. */
  readonly fresh: boolean;
}

/**
 * Writes the `boot` event into an empty log, or checks that the log at hand was begun in this boot: there is one `boot` event per reset of
 * the TPM. A baseline that is not zero is written as it is found; the verifier judges it.
 *
 * @throws AgentError `LOG_OTHER_BOOT`, `LOG_CORRUPT`, `LOG_IO`
 */
export async function beginLog(
  log: NamespaceLog,
  identity: BootIdentity,
  first: FirstStart,
): Promise<Beginning> {
  const [begun, next] = log.history();
  if (begun === undefined) {
    const boot: BootEvent = {
      kind: "boot",
      ns: "host",
      tag: first.random(TAG_BYTES),
      ...identity,
      baseline: await first.baseline(),
      hostEntries: first.hostEntries(),
      programs: first.programs(),
      version: first.version,
    };
    log.append([boot]);
    return { boot, fresh: true };
  }
  if (begun.kind !== "boot")
    throw new AgentError("LOG_CORRUPT", `the log begins with ${begun.kind}`);
  const same =
    begun.bootId === identity.bootId &&
    begun.resetCount === identity.resetCount &&
    begun.restartCount === identity.restartCount;
  if (!same) {
    throw new AgentError(
      "LOG_OTHER_BOOT",
      `the log was begun in boot ${begun.bootId} (TPM reset ${begun.resetCount}.${begun.restartCount}), this is ${identity.bootId} (${identity.resetCount}.${identity.restartCount}); remove it after a reboot, never otherwise`,
    );
  }
  return { boot: begun, fresh: next === undefined };
}
