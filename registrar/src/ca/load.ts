// SPDX-License-Identifier: Apache-2.0

import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { RegistrarError } from "../error.ts";
import type { CertificateIssuer } from "./certificate.ts";

/** The authority as the registrar uses it. */
export interface Authority {
  readonly ca: CertificateIssuer;
  /** The registrar's own, for its listener. */
  readonly server: CertificateIssuer;
}

/**
 * Reads what `initAuthority` made and checks that it fits together and is valid at `now`.
 *
 * @throws RegistrarError `CA_UNREADABLE`, `CA_MISMATCH`, `CA_EXPIRED`
 */
export async function loadAuthority(dir: string, now: Date): Promise<Authority> {
  const ca = await readPair(dir, "ca", now);
  const server = await readPair(dir, "registrar", now);
  const issuer = new X509Certificate(ca.certificate);
  if (!issuer.ca || !new X509Certificate(server.certificate).verify(issuer.publicKey)) {
    throw new RegistrarError("CA_MISMATCH", `registrar.crt in ${dir} is not issued by ca.crt`);
  }
  return { ca, server };
}

async function readPair(dir: string, name: string, now: Date): Promise<CertificateIssuer> {
  const certificate = await readText(join(dir, `${name}.crt`));
  const keyText = await readText(join(dir, `${name}.key`));
  let parsed: X509Certificate;
  let key: KeyObject;
  try {
    parsed = new X509Certificate(certificate);
    key = createPrivateKey(keyText);
  } catch (cause) {
    throw new RegistrarError("CA_UNREADABLE", `${name}.crt or .key in ${dir} cannot be read`, {
      cause,
    });
  }
  if (!parsed.checkPrivateKey(key)) {
    throw new RegistrarError("CA_MISMATCH", `${name}.key in ${dir} is not the key of ${name}.crt`);
  }
  if (now < new Date(parsed.validFrom) || now > new Date(parsed.validTo)) {
    throw new RegistrarError("CA_EXPIRED", `${name}.crt in ${dir} is not valid now`);
  }
  return { certificate, key };
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    throw new RegistrarError("CA_UNREADABLE", `${path} cannot be read`, { cause });
  }
}
