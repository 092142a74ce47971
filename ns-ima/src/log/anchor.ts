// SPDX-License-Identifier: Apache-2.0

import { ByteWriter, digest, type HashName } from "@nsattest/tpm";
import { NsImaError } from "../error.ts";
import type { LogBatch } from "./event.ts";
import { leafHash } from "./leaf.ts";

const BATCH = 0x02;

/**
 * What a bank of the anchor PCR is extended with for one batch: `H_bank(0x02 || u32be n || leaves)`.
 *
 * @throws NsImaError `LOG_BATCH_EMPTY`, `LOG_RECORD`
 */
export function anchorDigest(batch: LogBatch, bank: HashName = "sha256"): Uint8Array {
  // An empty batch would move the PCR without saying anything.
  if (batch.length === 0) throw new NsImaError("LOG_BATCH_EMPTY", "a batch without records");
  const writer = new ByteWriter().u8(BATCH).u32(batch.length);
  for (const record of batch) writer.bytes(leafHash(record));
  return digest(bank, writer.finish());
}

/**
 * Value of the anchor PCR after `batch`, from its value `pcr` before: `H_bank(pcr || anchorDigest)`, as TPM2_PCR_Extend
 * computes it (TPM 2.0 part 1, 17.2). Both sides use this one rule: the monitor foresees with it, the verifier replays.
 *
 * @throws NsImaError `LOG_BATCH_EMPTY`, `LOG_RECORD`
 */
export function extendAnchor(
  pcr: Uint8Array,
  batch: LogBatch,
  bank: HashName = "sha256",
): Uint8Array {
  return digest(bank, pcr, anchorDigest(batch, bank));
}
