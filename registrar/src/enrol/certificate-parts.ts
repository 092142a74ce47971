// SPDX-License-Identifier: Apache-2.0

import { ByteReader, TpmError } from "@nsattest/tpm";

/** An extension as it stands in a certificate (RFC 5280, 4.1). */
export interface Extension {
  /** Content of the OBJECT IDENTIFIER, in lower-case hex. */
  readonly oid: string;
  readonly critical: boolean;
  /** DER inside the OCTET STRING. */
  readonly value: Uint8Array;
}

/** What `node:crypto` does not say of a certificate. */
export interface CertificateParts {
  /** Content of the SubjectPublicKeyInfo. */
  readonly keyInfo: Uint8Array;
  readonly extensions: readonly Extension[];
}

/** DER tags (X.690, 8.1.2). */
export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  objectIdentifier: 0x06,
  sequence: 0x30,
  /** `[0]`, `[1]`, `[2]` and `[3]` of a certificate's body. */
  version: 0xa0,
  issuerId: 0x81,
  subjectId: 0x82,
  extensions: 0xa3,
} as const;

/** More than any certificate has; the walk over a stranger's bytes ends. */
const MAX_EXTENSIONS = 64;

/**
 * Takes a certificate apart (RFC 5280, 4.1) that OpenSSL has read already.
 *
 * @throws TpmError `CERTIFICATE_ENCODING`, `BYTES_*`
 */
export function certificateParts(der: Uint8Array): CertificateParts {
  const certificate = new ByteReader(readValue(new ByteReader(der), TAG.sequence));
  const body = new ByteReader(readValue(certificate, TAG.sequence));
  readOptional(body, TAG.version);
  readValue(body, TAG.integer); // serialNumber
  readValue(body, TAG.sequence); // signature
  readValue(body, TAG.sequence); // issuer
  readValue(body, TAG.sequence); // validity
  readValue(body, TAG.sequence); // subject
  const keyInfo = readValue(body, TAG.sequence);
  readOptional(body, TAG.issuerId);
  readOptional(body, TAG.subjectId);
  const extensions = readOptional(body, TAG.extensions);
  body.end();
  return { keyInfo, extensions: extensions === null ? [] : readExtensions(extensions) };
}

function readExtensions(wrapped: Uint8Array): readonly Extension[] {
  const list = new ByteReader(readValue(new ByteReader(wrapped), TAG.sequence));
  const extensions: Extension[] = [];
  while (list.remaining > 0) {
    if (extensions.length === MAX_EXTENSIONS) {
      throw new TpmError("CERTIFICATE_ENCODING", "too many extensions");
    }
    const extension = new ByteReader(readValue(list, TAG.sequence));
    const oid = Buffer.from(readValue(extension, TAG.objectIdentifier)).toString("hex");
    // DER leaves FALSE out; whatever stands there otherwise is taken for TRUE, which is the strict reading.
    const critical = readOptional(extension, TAG.boolean) !== null;
    const value = readValue(extension, TAG.octetString);
    extension.end();
    extensions.push({ oid, critical, value });
  }
  return extensions;
}

/** Content of the next DER element, which must have this tag. */
export function readValue(reader: ByteReader, tag: number): Uint8Array {
  const value = readOptional(reader, tag);
  if (value === null) throw new TpmError("CERTIFICATE_ENCODING", `no DER element ${tag}`);
  return value;
}

/** Content of the next DER element if it has this tag, else null. */
export function readOptional(reader: ByteReader, tag: number): Uint8Array | null {
  if (reader.rest[0] !== tag) return null;
  reader.u8();
  const first = reader.u8();
  if (first < 0x80) return reader.bytes(first);
  return reader.bytes(first === 0x81 ? reader.u8() : reader.u16());
}
