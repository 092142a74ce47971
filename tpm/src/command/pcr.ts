// SPDX-License-Identifier: Apache-2.0

import { TpmError } from "../error.ts";
import { HASH_ALGORITHMS, type HashName } from "../hash-algorithm.ts";
import {
  assertPcrIndex,
  type PcrSelection,
  type PcrValue,
  readPcrSelection,
  writePcrSelection,
} from "../pcr.ts";
import { defineCommand, EMPTY_PASSWORD, type TpmCommand } from "./codec.ts";

/** What one PCR_Read returned: often less than was asked for. */
export interface PcrReadResult {
  /** Grows when any PCR changes. */
  readonly updateCounter: number;
  readonly values: readonly PcrValue[];
}

/** One digest for each bank that is to be extended. */
export type BankDigests = ReadonlyMap<HashName, Uint8Array>;

/** TPM2_PCR_Read (TPM 2.0 part 3, 22.4). A TPM returns at most 8 values and none of banks that it does not have. */
export function pcrRead(selection: PcrSelection): TpmCommand<PcrReadResult> {
  return defineCommand({
    name: "PCR_Read",
    code: 0x17e,
    parameters: (writer) => writePcrSelection(writer, selection),
    result: (parameters) => {
      const updateCounter = parameters.u32();
      const read = readPcrSelection(parameters);
      const indices = read.flatMap(({ bank, pcrs }) => pcrs.map((index) => ({ bank, index })));
      if (parameters.u32() !== indices.length) {
        throw new TpmError("RESPONSE_MALFORMED", "PCR_Read: not one digest for each PCR");
      }
      const values = indices.map(({ bank, index }) => {
        const value = parameters.tpm2b();
        if (value.length !== HASH_ALGORITHMS[bank].size) {
          throw new TpmError("RESPONSE_MALFORMED", "PCR_Read: a digest of a wrong size");
        }
        return { bank, index, value };
      });
      return { updateCounter, values };
    },
  });
}

/**
 * TPM2_PCR_Extend (TPM 2.0 part 3, 22.2). Banks without a digest keep their value.
 *
 * @throws TpmError `PCR_SELECTION` for a PCR that does not exist, `PCR_VALUES` without digests or for one of a wrong size
 */
export function pcrExtend(index: number, digests: BankDigests): TpmCommand<void> {
  assertPcrIndex(index);
  if (digests.size === 0) throw new TpmError("PCR_VALUES", "nothing to extend");
  for (const [bank, value] of digests) {
    if (value.length !== HASH_ALGORITHMS[bank].size) {
      throw new TpmError("PCR_VALUES", `${value.length} bytes are no ${bank} digest`);
    }
  }
  return defineCommand({
    name: "PCR_Extend",
    code: 0x182,
    handles: [index],
    authorizations: [EMPTY_PASSWORD],
    parameters: (writer) => {
      writer.u32(digests.size);
      for (const [bank, value] of digests) writer.u16(HASH_ALGORITHMS[bank].id).bytes(value);
    },
    result: () => undefined,
  });
}
