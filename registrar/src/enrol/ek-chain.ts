// SPDX-License-Identifier: Apache-2.0

import type { X509Certificate } from "node:crypto";
import { RegistrarError, type RegistrarErrorCode } from "../error.ts";
import { pathLengthOf, unknownCriticalExtension } from "./certificate-rules.ts";
import type { EkTrust } from "./ek-trust.ts";

/** Issuers above an EK certificate; vendors have two or three. */
const MAX_ISSUERS = 6;
/** Certificates looked at for one EK, however many share a name. */
const MAX_CANDIDATES = 64;

interface Fault {
  readonly code: RegistrarErrorCode;
  readonly message: string;
}

/**
 * Checks that a configured root vouches for `certificate` at `now`: every issuer may issue, for as many authorities as
 * are below it, is valid at `now`, has no critical extension that is not understood, and signed the certificate below it.
 *
 * Does not check what `certificate` itself is for (see `ek-certificate.ts`), nor revocation. Intermediates may be
 * anybody's: they are believed as far as a root vouches for them.
 *
 * @throws RegistrarError `EK_NO_ROOTS`, `EK_CERT_UNKNOWN_ISSUER`, `EK_CERT_SIGNATURE`, `EK_ISSUER_NOT_CA`,
 *   `EK_ISSUER_EXPIRED`, `EK_ISSUER_NOT_YET_VALID`, `EK_ISSUER_PATH_LENGTH`, `EK_CHAIN_TOO_LONG`, `EK_CERT_EXTENSION`,
 *   `EK_CERT_MALFORMED`
 */
export function verifyEkChain(certificate: X509Certificate, trust: EkTrust, now: Date): void {
  if (trust.roots.length === 0) {
    throw new RegistrarError("EK_NO_ROOTS", "no root of TPM vendors is configured");
  }
  const fault = new ChainSearch(trust, now).climb(certificate, 0);
  if (fault) throw new RegistrarError(fault.code, fault.message);
}

/** One depth-first search for a root; several issuers may share a name. */
class ChainSearch {
  readonly #trust: EkTrust;
  readonly #now: Date;
  #candidates = 0;

  constructor(trust: EkTrust, now: Date) {
    this.#trust = trust;
    this.#now = now;
  }

  /** Null when some way up ends at a root, else the fault of the way that led furthest. */
  climb(subject: X509Certificate, depth: number): Fault | null {
    let fault: Fault | null = null;
    for (const [issuer, isRoot] of this.#namedIssuers(subject)) {
      this.#candidates += 1;
      if (depth === MAX_ISSUERS || this.#candidates > MAX_CANDIDATES) return tooLong(subject);
      const found =
        this.#checkStep(subject, issuer, depth) ?? (isRoot ? null : this.climb(issuer, depth + 1));
      if (!found) return null;
      fault ??= found;
    }
    return fault ?? unknownIssuer(subject);
  }

  *#namedIssuers(subject: X509Certificate): Iterable<[X509Certificate, boolean]> {
    const { roots, intermediates } = this.#trust;
    for (const root of roots) if (isNamedIssuer(subject, root)) yield [root, true];
    for (const other of intermediates) {
      // A certificate that names itself leads nowhere.
      if (isNamedIssuer(subject, other) && !other.raw.equals(subject.raw)) yield [other, false];
    }
  }

  #checkStep(subject: X509Certificate, issuer: X509Certificate, depth: number): Fault | null {
    if (!issuer.ca) return { code: "EK_ISSUER_NOT_CA", message: `${name(issuer)} is no authority` };
    // Names again, and key identifiers and key usage.
    if (!subject.checkIssued(issuer)) return unknownIssuer(subject);
    if (!subject.verify(issuer.publicKey)) {
      return { code: "EK_CERT_SIGNATURE", message: `not signed by ${name(issuer)}` };
    }
    if (this.#now < new Date(issuer.validFrom)) {
      return { code: "EK_ISSUER_NOT_YET_VALID", message: `${name(issuer)} is not yet valid` };
    }
    if (this.#now > new Date(issuer.validTo)) {
      return { code: "EK_ISSUER_EXPIRED", message: `${name(issuer)} is expired` };
    }
    if (depth > pathLengthOf(issuer)) {
      const message = `${name(issuer)} may not have ${depth} authorities below it`;
      return { code: "EK_ISSUER_PATH_LENGTH", message };
    }
    const strange = unknownCriticalExtension(issuer);
    if (strange !== null) {
      const message = `${name(issuer)} has the unknown critical extension ${strange}`;
      return { code: "EK_CERT_EXTENSION", message };
    }
    return null;
  }
}

// By name alone as well, so that the fault of a wrong issuer can be named; checkIssued alone compares as RFC 5280 wants.
function isNamedIssuer(subject: X509Certificate, issuer: X509Certificate): boolean {
  return issuer.subject === subject.issuer || subject.checkIssued(issuer);
}

function unknownIssuer(subject: X509Certificate): Fault {
  const message = `nobody configured issued as ${JSON.stringify(subject.issuer)}`;
  return { code: "EK_CERT_UNKNOWN_ISSUER", message };
}

function tooLong(subject: X509Certificate): Fault {
  return { code: "EK_CHAIN_TOO_LONG", message: `too many issuers above ${name(subject)}` };
}

function name(certificate: X509Certificate): string {
  return JSON.stringify(certificate.subject);
}
