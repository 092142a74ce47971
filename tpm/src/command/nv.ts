// SPDX-License-Identifier: Apache-2.0

import { ByteReader } from "../bytes.ts";
import { TpmError } from "../error.ts";
import { defineCommand, EMPTY_PASSWORD, type TpmCommand } from "./codec.ts";

/** Where vendors put the certificates above an EK's, one after the other (TCG EK Credential Profile, 2.2.1.5.2). */
export const EK_CHAIN_INDICES = { first: 0x01c0_0100, last: 0x01c0_01ff } as const;

/** TPM2_NV_ReadPublic (TPM 2.0 part 3, 31.6): the size of what is stored at `index`. */
export function nvReadPublic(index: number): TpmCommand<number> {
  return defineCommand({
    name: "NV_ReadPublic",
    code: 0x169,
    handles: [index],
    result: (parameters) => {
      const area = new ByteReader(parameters.tpm2b());
      parameters.tpm2b(); // name
      if (area.u32() !== index) {
        throw new TpmError("RESPONSE_MALFORMED", "NV_ReadPublic: another index");
      }
      area.u16(); // nameAlg
      area.u32(); // attributes
      area.tpm2b(); // authPolicy
      const size = area.u16();
      area.end();
      return size;
    },
  });
}

/** TPM2_NV_Read (TPM 2.0 part 3, 31.13) with the index's own empty password. */
export function nvRead(index: number, size: number, offset: number): TpmCommand<Uint8Array> {
  return defineCommand({
    name: "NV_Read",
    code: 0x14e,
    handles: [index, index],
    authorizations: [EMPTY_PASSWORD],
    parameters: (writer) => writer.u16(size).u16(offset),
    result: (parameters) => {
      const data = parameters.tpm2b();
      if (data.length !== size) {
        throw new TpmError("RESPONSE_MALFORMED", "NV_Read: not the number of bytes asked for");
      }
      return data;
    },
  });
}
