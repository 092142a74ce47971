// SPDX-License-Identifier: Apache-2.0

import type { HashName, PcrValue } from "@nsattest/tpm";

/** PCR of the namespace log: cannot be reset without a TPM reset, and is rarely used by others. */
export const ANCHOR_PCR = 13;
/** PCR of the host list (CONFIG_IMA_MEASURE_PCR_IDX). */
export const HOST_LIST_PCR = 10;

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

/** Finds the value of the host-list PCR for which `fits` is true, among all it had since the last one that was found. */
export type RecallListPcr = (fits: (value: Uint8Array) => boolean) => Uint8Array | null;

/** Who the TPM is. All of it is public. */
export interface TpmIdentity {
  readonly ekPublic: Uint8Array;
  /** DER of the EK certificate, or null when the TPM has none. */
  readonly ekCertificate: Uint8Array | null;
  readonly akPublic: Uint8Array;
}

/** TPM as the monitor uses it. */
export interface MonitorTpm extends AnchorTpm {
  clock(): Promise<{ readonly resetCount: number; readonly restartCount: number }>;
  identity(): TpmIdentity;
  activate(credentialBlob: Uint8Array, secret: Uint8Array): Promise<Uint8Array>;
  /**
   * Quotes host-list and anchor PCR of the SHA-256 bank.
   *
   * The kernel extends the first at any time, and a container can make it do so without a pause: `recallListPcr` is then asked for
   * the value that fits.
   */
  quote(nonce: Uint8Array, recallListPcr: RecallListPcr): Promise<Quote>;
}
