// SPDX-License-Identifier: Apache-2.0

import { randomBytes } from "node:crypto";
import { signCertificate } from "../src/ca/certificate.ts";
import type { WaysIn } from "../src/enrol/admission.ts";
import type { EnrolmentDesk } from "../src/enrol/enrolment-desk.ts";
import { PendingEnrolments } from "../src/enrol/pending-enrolments.ts";
import { Store } from "../src/store/store.ts";
import { makeRsaKey } from "./fake-tpm.ts";
import { FakeVendors, type Vendor } from "./fake-vendor.ts";

export const NOW = new Date("2026-01-02T03:04:05.678Z");
export const NODE_ID = "0d8c6f5e-6d3a-4c89-9f43-0a7d3c1a2b4e";
export const vendors: FakeVendors = new FakeVendors(NOW);

export interface DeskOptions {
  readonly roots: readonly Vendor[];
  readonly now?: () => Date;
  /** Other ways in than by a certificate of the roots. */
  readonly ways?: Partial<WaysIn>;
}

const caKey = makeRsaKey();
const ca = {
  key: caKey,
  certificate: signCertificate(
    {
      notBefore: NOW,
      notAfter: new Date("2036-01-01T00:00:00Z"),
      commonName: "nsattest CA",
      publicKey: caKey,
      authority: true,
      usages: [],
      uris: [],
      hosts: [],
    },
    caKey,
  ),
};

/** A desk with a database in memory. */
export function makeDesk({ roots, now = () => NOW, ways = {} }: DeskOptions): EnrolmentDesk {
  return {
    ways: () => ({
      ekCertificate: { roots: roots.map(({ x509 }) => x509), intermediates: [] },
      ekHash: false,
      joinToken: false,
      ...ways,
    }),
    certificateHours: 24,
    pending: new PendingEnrolments(),
    store: new Store(":memory:"),
    ca,
    now,
    random: randomBytes,
  };
}
