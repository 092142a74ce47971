// SPDX-License-Identifier: Apache-2.0

import { X509Certificate } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { RegistrarError } from "../error.ts";

/** Who may say that a key is in a TPM. */
export interface EkTrust {
  /** Trusted because the operator put them there, self-signed or not. */
  readonly roots: readonly X509Certificate[];
  /** Trusted only as far as a root vouches for them. */
  readonly intermediates: readonly X509Certificate[];
}

const CERTIFICATE_FILE = /^[^.].*\.(pem|crt|cer)$/;
const PEM_BLOCK = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;
/** More than all TPM vendors together have. */
const MAX_CERTIFICATES = 4096;

/**
 * Reads two folders of PEM files (`.pem`, `.crt`, `.cer`; several certificates in one file are fine). Other files, and
 * those whose name begins with a dot, are ignored. An empty folder is no error here: nobody will enrol.
 *
 * Does not check validity or usage of what it reads: that is done with each chain (see `ek-chain.ts`).
 *
 * @throws RegistrarError `EK_TRUST_UNREADABLE`
 */
export async function loadEkTrust(
  rootsFolder: string,
  intermediatesFolder: string | null,
): Promise<EkTrust> {
  return {
    roots: await readFolder(rootsFolder),
    intermediates: intermediatesFolder === null ? [] : await readFolder(intermediatesFolder),
  };
}

async function readFolder(folder: string): Promise<X509Certificate[]> {
  const certificates: X509Certificate[] = [];
  for (const name of (await attempt(folder, () => readdir(folder))).sort()) {
    if (!CERTIFICATE_FILE.test(name)) continue;
    const path = join(folder, name);
    const text = await attempt(path, () => readFile(path, "utf8"));
    const blocks = text.match(PEM_BLOCK) ?? [];
    if (blocks.length === 0) {
      throw new RegistrarError("EK_TRUST_UNREADABLE", `${path} holds no PEM certificate`);
    }
    for (const block of blocks) {
      certificates.push(await attempt(path, async () => new X509Certificate(block)));
    }
    if (certificates.length > MAX_CERTIFICATES) {
      throw new RegistrarError("EK_TRUST_UNREADABLE", `${folder} holds too many certificates`);
    }
  }
  return certificates;
}

async function attempt<T>(path: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (cause) {
    throw new RegistrarError("EK_TRUST_UNREADABLE", `${path} cannot be read`, { cause });
  }
}
