// SPDX-License-Identifier: Apache-2.0

import { AlgorithmId } from "../algorithm.ts";
import { HASH_ALGORITHMS } from "../hash-algorithm.ts";
import { defineCommand, EMPTY_PASSWORD, Handle, type TpmCommand } from "./codec.ts";

const SE_POLICY = 1;
// Nothing is keyed or encrypted with it: the session only carries a policy.
const CALLER_NONCE = new Uint8Array(16);
const NO_EXPIRATION = 0;

/** TPM2_StartAuthSession (TPM 2.0 part 3, 11.1): an unsalted SHA-256 policy session; returns its handle. */
export function startPolicySession(): TpmCommand<number> {
  return defineCommand({
    name: "StartAuthSession",
    code: 0x176,
    handles: [Handle.NULL, Handle.NULL],
    parameters: (writer) =>
      writer
        .tpm2b(CALLER_NONCE)
        .u16(0)
        .u8(SE_POLICY)
        .u16(AlgorithmId.NULL)
        .u16(HASH_ALGORITHMS.sha256.id),
    returnsHandle: true,
    result: (parameters, handle) => {
      parameters.tpm2b();
      return handle;
    },
  });
}

/** TPM2_PolicySecret (TPM 2.0 part 3, 23.4) with the endorsement hierarchy's empty password: the policy of L-* EKs. */
export function policySecret(session: number): TpmCommand<void> {
  return defineCommand({
    name: "PolicySecret",
    code: 0x151,
    handles: [Handle.ENDORSEMENT, session],
    authorizations: [EMPTY_PASSWORD],
    parameters: (writer) => writer.u16(0).u16(0).u16(0).u32(NO_EXPIRATION),
    result: (parameters) => {
      parameters.tpm2b(); // timeout
      parameters.u16(); // ticket: tag, hierarchy, digest
      parameters.u32();
      parameters.tpm2b();
    },
  });
}
