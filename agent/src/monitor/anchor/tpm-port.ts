// SPDX-License-Identifier: Apache-2.0

import type { ListPcrs } from "@nsattest/ns-ima";
import type { BankSelection, HashName, PcrValue } from "@nsattest/tpm";

/** PCR of the namespace log: cannot be reset without a TPM reset, and is rarely used by others. */
export const ANCHOR_PCR = 13;
/** What the anchor needs of a TPM. */
export interface AnchorTpm {
  /** Banks that are active and whose hash we know. */
  banks(): Promise<readonly HashName[]>;
  readAnchor(bank: HashName): Promise<Uint8Array>;
  extendAnchor(digests: ReadonlyMap<HashName, Uint8Array>): Promise<void>;
}

/** A quote and the values it covers. */
export interface Quote {
  readonly attest: Uint8Array;
  readonly signature: Uint8Array;
  readonly pcrs: readonly PcrValue[];
}

/** Finds the values of the host list's PCRs for which `fits` is true, among all they had since the last ones that were found. */
export type RecallListPcrs = (fits: (pcrs: ListPcrs) => boolean) => ListPcrs | null;

/** Who the TPM is. All of it is public. */
export interface TpmIdentity {
  readonly ekPublic: Uint8Array;
  /** DER of the EK certificate, or null when the TPM has none. */
  readonly ekCertificate: Uint8Array | null;
  /** DER of certificates above it that the TPM holds, one after the other. */
  readonly ekChain: Uint8Array;
  readonly akPublic: Uint8Array;
}

/** TPM as the monitor uses it. */
export interface MonitorTpm extends AnchorTpm {
  clock(): Promise<{ readonly resetCount: number; readonly restartCount: number }>;
  identity(): TpmIdentity;
  activate(credentialBlob: Uint8Array, secret: Uint8Array): Promise<Uint8Array>;
  /**
   * Quotes the PCRs of `selection`, those of the host list and the anchor.
   *
   * The kernel extends the former at any time, and a container can make it do so without a pause: `recall` is then asked for the values
   * that fit.
   */
  quote(nonce: Uint8Array, selection: BankSelection, recall: RecallListPcrs): Promise<Quote>;
}
