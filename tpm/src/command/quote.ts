// SPDX-License-Identifier: Apache-2.0

import { AlgorithmId } from "../algorithm.ts";
import { type PcrSelection, writePcrSelection } from "../pcr.ts";
import { defineCommand, EMPTY_PASSWORD, type TpmCommand } from "./codec.ts";

/** A quote as the TPM returned it: nothing is verified. */
export interface RawQuote {
  /** TPMS_ATTEST. */
  readonly attest: Uint8Array;
  /** TPMT_SIGNATURE. */
  readonly signature: Uint8Array;
}

/**
 * TPM2_Quote (TPM 2.0 part 3, 18.4) in the scheme of the key.
 *
 * A bank that the TPM does not have is left out of the quote without an error: compare the selection in the answer.
 */
export function quote(
  key: number,
  nonce: Uint8Array,
  selection: PcrSelection,
): TpmCommand<RawQuote> {
  return defineCommand({
    name: "Quote",
    code: 0x158,
    handles: [key],
    authorizations: [EMPTY_PASSWORD],
    parameters: (writer) => {
      writer.tpm2b(nonce).u16(AlgorithmId.NULL);
      writePcrSelection(writer, selection);
    },
    result: (parameters) => ({
      attest: parameters.tpm2b(),
      signature: parameters.bytes(parameters.remaining),
    }),
  });
}
