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

function readLength(reader: ByteReader): number {
  const first = reader.u8();
  if (first < 0x80) return first;
  if (first === ONE_LENGTH_OCTET) return reader.u8();
  if (first === TWO_LENGTH_OCTETS) return reader.u16();
  throw new TpmError("CERTIFICATE_ENCODING", "longer than any NV index");
}
