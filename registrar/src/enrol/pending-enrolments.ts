// SPDX-License-Identifier: Apache-2.0

import { RegistrarError } from "../error.ts";
import type { Admitted } from "./admission.ts";

/** What was asked of a TPM, until it answers. */
export interface PendingEnrolment {
  readonly nodeId: string;
  /** Lower-case hex of the SHA-256 of the EK (SubjectPublicKeyInfo, DER). */
  readonly ekHash: string;
  readonly admitted: Admitted;
  /** TPMT_PUBLIC. */
  readonly akPublic: Uint8Array;
  /** SubjectPublicKeyInfo, DER. */
  readonly tlsKey: Uint8Array;
  /** SHA-256 of the certificate that the node had last, or null. */
  readonly previousCertificate: string | null;
  /** What only the TPM can tell. */
  readonly credential: Uint8Array;
}

export interface PendingLimits {
  /** How long an enrolment may take. */
  readonly lifetimeMs: number;
  /** Enrolments under way in all. */
  readonly total: number;
  /** Enrolments under way for one EK. */
  readonly perEk: number;
}

export const PENDING_LIMITS: PendingLimits = { lifetimeMs: 120_000, total: 1024, perEk: 4 };

interface Entry {
  readonly pending: PendingEnrolment;
  readonly expiresAt: number;
}

/**
 * Enrolments between start and finish. In memory: a restart of the registrar only makes nodes start again, and the
 * credentials never reach a disk.
 *
 * EK certificates are no secrets, so anybody who has seen one may start enrolments with it. Those of one EK only push
 * each other out, oldest first: they do not use up the room of other TPMs, nor lock out a node that keeps restarting.
 */
export class PendingEnrolments {
  readonly #limits: PendingLimits;
  /** By id, oldest first: all live equally long. */
  readonly #entries = new Map<string, Entry>();

  constructor(limits: PendingLimits = PENDING_LIMITS) {
    this.#limits = limits;
  }

  /** @throws RegistrarError `ENROLMENT_BUSY` */
  add(id: string, pending: PendingEnrolment, now: Date): void {
    this.#forgetExpired(now);
    const sameEk = [...this.#entries].filter(
      ([, other]) => other.pending.ekHash === pending.ekHash,
    );
    const oldest = sameEk[0];
    if (oldest && sameEk.length >= this.#limits.perEk) this.#entries.delete(oldest[0]);
    if (this.#entries.size >= this.#limits.total) {
      throw new RegistrarError("ENROLMENT_BUSY", "too many enrolments are under way; try again");
    }
    this.#entries.set(id, { pending, expiresAt: now.getTime() + this.#limits.lifetimeMs });
  }

  /**
   * Gives an enrolment out, once: whoever finishes it wrongly has to start again.
   *
   * @throws RegistrarError `ENROLMENT_UNKNOWN`, `ENROLMENT_EXPIRED`
   */
  take(id: string, now: Date): PendingEnrolment {
    const entry = this.#entries.get(id);
    if (!entry) throw new RegistrarError("ENROLMENT_UNKNOWN", "no such enrolment");
    this.#entries.delete(id);
    if (now.getTime() >= entry.expiresAt) {
      throw new RegistrarError("ENROLMENT_EXPIRED", "the enrolment took too long");
    }
    return entry.pending;
  }

  #forgetExpired(now: Date): void {
    for (const [id, { expiresAt }] of this.#entries) {
      if (now.getTime() < expiresAt) break;
      this.#entries.delete(id);
    }
  }
}
