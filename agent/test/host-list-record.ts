// SPDX-License-Identifier: Apache-2.0

import { encodeEntry, IMA_PCR, parseMeasurementList } from "@nsattest/ns-ima";

/** A record of the host list, as the kernel writes it, and what its SHA-256 bank is extended with. */
export interface HostListRecord {
  readonly bytes: Uint8Array;
  readonly templateDigest: Uint8Array;
}

/** The record of a file whose content has the digest `fill` repeated. */
export function hostListRecord(path: string, fill = 1): HostListRecord {
  const bytes = encodeEntry({
    pcr: IMA_PCR,
    template: "ima-ng",
    digest: { algorithm: "sha256", value: new Uint8Array(32).fill(fill) },
    path,
    signature: null,
    buffer: null,
  });
  const [entry] = parseMeasurementList(bytes).entries;
  if (entry === undefined) throw new Error("a record that is none");
  return { bytes, templateDigest: entry.templateDigest };
}
