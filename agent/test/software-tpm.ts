// SPDX-License-Identifier: Apache-2.0

import { IMA_PCR } from "@nsattest/ns-ima";
import { type BankSelection, digest, type HashName, TpmError } from "@nsattest/tpm";
import { ANCHOR_PCR, type AnchorTpm, type Quote } from "../src/monitor/anchor/tpm-port.ts";

const BANKS: readonly HashName[] = ["sha1", "sha256"];
const SIZES: Readonly<Partial<Record<HashName, number>>> = { sha1: 20, sha256: 32 };

/** Anchor and host-list PCR of a TPM: they extend for real. What is "quoted" is not signed. */
export class SoftwareTpm implements AnchorTpm {
  /** What the next extend does instead of succeeding: fails before or after it was done. Used up by it. */
  nextExtend: "works" | "fails undone" | "fails done" = "works";
  /** How often the anchor was extended. */
  extends = 0;
  readonly #anchor = new Map(BANKS.map((bank) => [bank, new Uint8Array(SIZES[bank] ?? 0)]));
  #hostList: Uint8Array = new Uint8Array(32);

  async banks(): Promise<readonly HashName[]> {
    return BANKS;
  }

  async readAnchor(bank: HashName): Promise<Uint8Array> {
    return this.anchor(bank);
  }

  async extendAnchor(digests: ReadonlyMap<HashName, Uint8Array>): Promise<void> {
    const outcome = this.nextExtend;
    this.nextExtend = "works";
    if (outcome !== "fails undone") this.extendBanks(digests);
    if (outcome !== "works") throw new TpmError("DEVICE_IO", "the chip went away");
  }

  anchor(bank: HashName = "sha256"): Uint8Array {
    return this.#anchor.get(bank) ?? new Uint8Array(0);
  }

  /** As anybody with access to the TPM could. */
  extendBanks(digests: ReadonlyMap<HashName, Uint8Array>): void {
    this.extends++;
    for (const bank of BANKS) {
      const value = digests.get(bank);
      if (value === undefined) throw new Error(`bank ${bank} is left out`);
      this.#anchor.set(bank, new Uint8Array(digest(bank, this.anchor(bank), value)));
    }
  }

  /** As the kernel does after it has appended an entry. */
  extendHostList(templateDigest: Uint8Array): void {
    this.#hostList = digest("sha256", this.#hostList, templateDigest);
  }

  async quote(nonce: Uint8Array, { bank, pcrs }: BankSelection): Promise<Quote> {
    const values = new Map([
      [IMA_PCR, this.#hostList],
      [ANCHOR_PCR, this.anchor()],
    ]);
    const quoted = pcrs.map((index) => ({ bank, index, value: values.get(index) ?? nonce }));
    return { attest: nonce, signature: Uint8Array.of(1), pcrs: quoted };
  }
}
