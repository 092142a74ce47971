// SPDX-License-Identifier: Apache-2.0

import { generateKeyPair, type KeyObject } from "node:crypto";
import { isIP } from "node:net";
import { promisify } from "node:util";
import { peerRoleUri } from "@nsattest/protocol";
import { RegistrarError } from "../error.ts";
import { type CertificateIssuer, signCertificate } from "./certificate.ts";
import { createPrivateFolder } from "./private-folder.ts";
import { validityFrom } from "./validity.ts";

export interface AuthorityOptions {
  /** DNS names and IP addresses under which registrar and verifier are reached. */
  readonly hosts: readonly string[];
  readonly now: Date;
}

/** Who gets a certificate when the authority is made, and for which side of a connection. */
const SERVICES = [
  { name: "registrar", usages: ["serverAuth"], reached: true },
  // It asks the registrar for attestation keys, hence both sides.
  { name: "verifier", usages: ["serverAuth", "clientAuth"], reached: true },
  { name: "operator", usages: ["clientAuth"], reached: false },
] as const;

const KEY_BITS = 2048;
const LIFETIME_HOURS = 3650 * 24;
/** A DNS name of letter-digit-hyphen labels (RFC 1123, 2.1). */
const DNS_NAME =
  /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/i;

const generateKeyPairAsync = promisify(generateKeyPair);

/**
 * Makes a certificate authority in `dir`: `ca`, `registrar`, `verifier` and `operator`, each a `.crt` and a `.key`
 * (PEM, 0600). Every key is new; there is no password and no default. All files appear at once or none does.
 *
 * @throws RegistrarError `CA_EXISTS` when `dir` holds anything, `CA_UNWRITABLE`, `HOST_INVALID`
 */
export async function initAuthority(dir: string, { hosts, now }: AuthorityOptions): Promise<void> {
  checkHosts(hosts);
  const validity = validityFrom(now, LIFETIME_HOURS);
  const caKey = await newKey();
  const ca: CertificateIssuer = {
    key: caKey,
    certificate: signCertificate(
      {
        ...validity,
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
  const files = new Map(filesOf("ca", ca));
  for (const { name, usages, reached } of SERVICES) {
    const key = await newKey();
    const certificate = signCertificate(
      {
        ...validity,
        commonName: `nsattest ${name}`,
        publicKey: key,
        authority: false,
        usages,
        uris: [peerRoleUri({ role: name })],
        hosts: reached ? hosts : [],
      },
      ca,
    );
    for (const [file, text] of filesOf(name, { certificate, key })) files.set(file, text);
  }
  await createPrivateFolder(dir, files);
}

function checkHosts(hosts: readonly string[]): void {
  if (hosts.length === 0) throw new RegistrarError("HOST_INVALID", "no host for the servers");
  for (const host of hosts) {
    if (!isIP(host) && !DNS_NAME.test(host)) {
      throw new RegistrarError("HOST_INVALID", `${JSON.stringify(host)} is no host name`);
    }
  }
}

async function newKey(): Promise<KeyObject> {
  return (await generateKeyPairAsync("rsa", { modulusLength: KEY_BITS })).privateKey;
}

function filesOf(name: string, { certificate, key }: CertificateIssuer): [string, string][] {
  return [
    [`${name}.crt`, certificate],
    [`${name}.key`, key.export({ type: "pkcs8", format: "pem" }).toString()],
  ];
}
