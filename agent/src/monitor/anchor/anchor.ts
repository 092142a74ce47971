// SPDX-License-Identifier: Apache-2.0

import { anchorDigest, extendAnchor, type LogBatch } from "@nsattest/ns-ima";
import type { HashName } from "@nsattest/tpm";
import { AgentError } from "../../error.ts";
import type { LogFile } from "../log/log-file.ts";
import type { AnchorTpm } from "./tpm-port.ts";

/** The bank whose value decides whether log and TPM fit; all active banks are extended. */
const BANK: HashName = "sha256";

/** Carries batches of the log into the anchor PCR, one at a time and in order. */
export class Anchor {
  readonly #tpm: AnchorTpm;
  readonly #log: LogFile;
  readonly #baseline: Uint8Array;
  /** An extend failed: whether the TPM did it is unknown until it is asked. */
  #uncertain = true;

  /** @param baseline value of the PCR before the log's first extend, from its `boot` event */
  constructor(tpm: AnchorTpm, log: LogFile, baseline: Uint8Array) {
    this.#tpm = tpm;
    this.#log = log;
    this.#baseline = baseline;
  }

  /**
   * Seals what is unsealed and extends the PCR with it. Call it from one place at a time.
   *
   * The first time, and after an extend that failed, log and PCR are compared before anything new is sealed.
   *
   * @throws AgentError `LOG_FOREIGN_EXTEND` when somebody else extended the PCR or the log lost what was anchored, `LOG_IO`;
   *   TpmError when the TPM does not answer
   */
  async flush(): Promise<void> {
    if (this.#uncertain) await this.#reconcile();
    const batch = this.#log.seal();
    if (batch !== null) await this.#extend(batch);
  }

  /**
   * The PCR is the replay of all batches, or of all but the last one: then we, or the process before us, ended between writing and
   * extending, and the extend is made up for.
   */
  async #reconcile(): Promise<void> {
    const actual = await this.#tpm.readAnchor(BANK);
    const batches = this.#log.batches();
    const last = batches.pop();
    const before = batches.reduce((pcr, batch) => extendAnchor(pcr, batch, BANK), this.#baseline);
    const replayed = last === undefined ? before : extendAnchor(before, last, BANK);
    if (Buffer.compare(actual, replayed) !== 0) {
      if (last === undefined || Buffer.compare(actual, before) !== 0) {
        throw new AgentError(
          "LOG_FOREIGN_EXTEND",
          "the anchor PCR is not the replay of the log: another program extended it, or the log lost its end; only a reboot mends this",
        );
      }
      await this.#extend(last);
    }
    this.#uncertain = false;
  }

  async #extend(batch: LogBatch): Promise<void> {
    const banks = await this.#tpm.banks();
    this.#uncertain = true;
    await this.#tpm.extendAnchor(new Map(banks.map((bank) => [bank, anchorDigest(batch, bank)])));
    this.#uncertain = false;
  }
}
