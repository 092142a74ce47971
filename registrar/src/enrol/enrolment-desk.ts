// SPDX-License-Identifier: Apache-2.0

import type { CertificateIssuer } from "../ca/certificate.ts";
import type { Store } from "../store/store.ts";
import type { EkTrust } from "./ek-trust.ts";
import type { PendingEnrolments } from "./pending-enrolments.ts";

/** What both halves of an enrolment work with. */
export interface EnrolmentDesk {
  readonly trust: EkTrust;
  readonly pending: PendingEnrolments;
  readonly store: Store;
  readonly ca: CertificateIssuer;
  readonly now: () => Date;
  /** Unpredictable bytes: everything rests on them. */
  readonly random: (size: number) => Uint8Array;
}
