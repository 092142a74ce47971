// SPDX-License-Identifier: Apache-2.0

import { ByteReader } from "./bytes.ts";
import { TpmError } from "./error.ts";

const SEQUENCE = 0x30;
const ONE_LENGTH_OCTET = 0x81;
const TWO_LENGTH_OCTETS = 0x82;

/**
 * The DER certificate at the start of `bytes`: NV indices are often larger than the certificate in them.
 *
 * Checks the outermost length only, not that it is a certificate.
 *
 * @throws TpmError `CERTIFICATE_ENCODING`
 */
export function trimCertificate(bytes: Uint8Array): Uint8Array {
  try {
    const reader = new ByteReader(bytes);
    if (reader.u8() !== SEQUENCE) throw new TpmError("CERTIFICATE_ENCODING", "no DER sequence");
    const content = readLength(reader);
    return new ByteReader(bytes).bytes(reader.offset + content);
  } catch (cause) {
    throw new TpmError("CERTIFICATE_ENCODING", "no DER certificate", { cause });
  }
}

/**
 * The DER certificates one after the other in `bytes`, as the NV indices of a certificate chain hold them, up to where
 * no DER sequence begins: what is left is padding.
 *
 * @throws TpmError `CERTIFICATE_ENCODING` for one that is cut off
 */
export function splitCertificates(bytes: Uint8Array): readonly Uint8Array[] {
  const certificates: Uint8Array[] = [];
  const reader = new ByteReader(bytes);
  while (reader.rest[0] === SEQUENCE) {
    certificates.push(reader.bytes(trimCertificate(reader.rest).length));
  }
  return certificates;
}

function readLength(reader: ByteReader): number {
  const first = reader.u8();
  if (first < 0x80) return first;
  if (first === ONE_LENGTH_OCTET) return reader.u8();
  if (first === TWO_LENGTH_OCTETS) return reader.u16();
  throw new TpmError("CERTIFICATE_ENCODING", "longer than any NV index");
}
