// SPDX-License-Identifier: Apache-2.0

import type { CertificateIssuer } from "../ca/certificate.ts";
import type { Store } from "../store/store.ts";
import type { WaysIn } from "./admission.ts";
import type { PendingEnrolments } from "./pending-enrolments.ts";

/** What both halves of an enrolment work with. */
export interface EnrolmentDesk {
  /** As the operator has opened them last. */
  readonly ways: () => WaysIn;
  readonly pending: PendingEnrolments;
  readonly store: Store;
  readonly ca: CertificateIssuer;
  /** Life of the certificates that nodes get. */
  readonly certificateHours: number;
  readonly now: () => Date;
  /** Unpredictable bytes: everything rests on them. */
  readonly random: (size: number) => Uint8Array;
}
