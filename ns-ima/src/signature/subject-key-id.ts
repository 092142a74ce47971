// SPDX-License-Identifier: Apache-2.0

import { Buffer } from "node:buffer";
import { ByteReader } from "@nsattest/tpm";
import { DerTag, readDer, readDerOf } from "./der.ts";

/** 2.5.29.14 */
const SUBJECT_KEY_IDENTIFIER = Buffer.of(0x55, 0x1d, 0x0e);

/**
 * The subject key identifier of an X.509 certificate in DER (RFC 5280, 4.2.1.2): the kernel finds a key by it. Null when
 * there is none.
 *
 * Reads no more of the certificate than that takes, and judges nothing.
 *
 * @throws Error when it is no certificate
 */
export function subjectKeyId(certificate: Uint8Array): Uint8Array | null {
  const body = readDerOf(readDerOf(new ByteReader(certificate), DerTag.SEQUENCE), DerTag.SEQUENCE);
  while (body.remaining > 0) {
    const { tag, content } = readDer(body);
    if (tag === DerTag.EXTENSIONS) return inExtensions(readDerOf(content, DerTag.SEQUENCE));
  }
  return null;
}

function inExtensions(extensions: ByteReader): Uint8Array | null {
  while (extensions.remaining > 0) {
    const extension = readDerOf(extensions, DerTag.SEQUENCE);
    const id = readDerOf(extension, DerTag.OBJECT_ID).rest;
    if (!SUBJECT_KEY_IDENTIFIER.equals(id)) continue;
    // Between them there may be a BOOLEAN, whether the extension is critical.
    let value = readDer(extension);
    if (value.tag !== DerTag.OCTET_STRING) value = readDer(extension);
    return readDerOf(value.content, DerTag.OCTET_STRING).rest;
  }
  return null;
}
