// SPDX-License-Identifier: Apache-2.0

import { type KeyObject, X509Certificate } from "node:crypto";
import { type FakeContent, signFakeCertificate } from "./fake-certificate.ts";
import { makeRsaKey } from "./fake-tpm.ts";

export const EK_USAGE = "2.23.133.8.1";

/** A maker of TPMs: somebody who issues certificates. */
export interface Vendor {
  readonly certificate: string;
  readonly x509: X509Certificate;
  readonly key: KeyObject;
}

export type Changes = Partial<FakeContent>;

const DAY_MS = 86_400_000;

/** Certificates around one instant, so that tests can move the clock. */
export class FakeVendors {
  readonly #content: Omit<FakeContent, "commonName" | "publicKey">;

  constructor(now: Date) {
    this.#content = {
      notBefore: new Date(now.getTime() - 100 * DAY_MS),
      notAfter: new Date(now.getTime() + 100 * DAY_MS),
      authority: true,
      pathLength: null,
      keyUsages: ["keyCertSign", "cRLSign"],
      usages: [],
      critical: [],
    };
  }

  root(commonName: string, changes: Changes = {}, key: KeyObject = makeRsaKey()): Vendor {
    const content = { ...this.#content, commonName, publicKey: key, ...changes };
    return asVendor(signFakeCertificate(content, key), key);
  }

  intermediate(
    issuer: Vendor,
    commonName: string,
    changes: Changes = {},
    key: KeyObject = makeRsaKey(),
  ): Vendor {
    const content = { ...this.#content, commonName, publicKey: key, ...changes };
    return asVendor(signFakeCertificate(content, issuer.key, issuer.certificate), key);
  }

  /** DER of an EK certificate. */
  ekCertificate(issuer: Vendor, ekKey: KeyObject, changes: Changes = {}): Buffer {
    const content = {
      ...this.#content,
      commonName: "TPM",
      publicKey: ekKey,
      authority: false,
      keyUsages: ["keyEncipherment"],
      usages: [EK_USAGE],
      ...changes,
    };
    return new X509Certificate(signFakeCertificate(content, issuer.key, issuer.certificate)).raw;
  }
}

function asVendor(certificate: string, key: KeyObject): Vendor {
  return { certificate, x509: new X509Certificate(certificate), key };
}
