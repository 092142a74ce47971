// SPDX-License-Identifier: Apache-2.0

import { Buffer } from "node:buffer";
import { createPublicKey, type KeyObject, X509Certificate } from "node:crypto";
import { ByteReader } from "@nsattest/tpm";
import { NsImaError } from "../error.ts";
import { DerTag, readDerOf } from "./der.ts";
import { subjectKeyId } from "./subject-key-id.ts";
import { type VerificationKey, verificationKey } from "./verification-key.ts";

/**
 * What holds keys:
 * - `pem`: any number of certificates and public keys; other text around them is not read
 * - `der`: one certificate or public key
 * - `keylime`: Keylime's keyring, as JSON text, or as JSON text of JSON text
 */
export type KeyringDocument =
  | { readonly format: "pem" | "keylime"; readonly text: string }
  | { readonly format: "der"; readonly bytes: Uint8Array };

/** Most keys of one document: whatever has more is no keyring for files. */
export const KEYS_MAX = 256;
/** Bytes or characters of a document. */
export const KEYRING_SIZE_MAX: number = 1024 * 1024;

const PEM_BLOCK = /-----BEGIN ([^-\n]*)-----([^-]*)-----END \1-----/g;
const BASE64 = /^[A-Za-z0-9+/\s]+={0,2}\s*$/;
const KEY_ID_MAX = 0xffffffff;

/**
 * The keys of a document, in its order. A key of a certificate has the certificate's subject key identifier as its id if
 * there is one, one of Keylime's keyrings the id that is given with it.
 *
 * Of a certificate nothing else is looked at: neither who signed it, nor until when it is valid. Whoever puts it into a
 * keyring vouches for it.
 *
 * @throws NsImaError `KEYRING_MALFORMED` with every problem
 */
export function parseKeyring(document: KeyringDocument): readonly VerificationKey[] {
  const size = document.format === "der" ? document.bytes.length : document.text.length;
  if (size > KEYRING_SIZE_MAX) throw malformed([`larger than ${KEYRING_SIZE_MAX} bytes`]);
  const problems: string[] = [];
  const makers = makersOf(document, problems);
  if (makers.length > KEYS_MAX) {
    throw malformed([`${makers.length} keys, at most ${KEYS_MAX}`]);
  }
  const keys = makers.flatMap(({ at, make }) => {
    try {
      return make();
    } catch (error) {
      problems.push(`${at}: ${(error as Error).message}`);
      return [];
    }
  });
  if (problems.length > 0) throw malformed(problems);
  return keys;
}

/** A key that is still to be made, and where it stands. */
interface Maker {
  readonly at: string;
  make(): VerificationKey;
}

function makersOf(document: KeyringDocument, problems: string[]): readonly Maker[] {
  switch (document.format) {
    case "der":
      return [{ at: "the document", make: () => keyOfDer(document.bytes) }];
    case "pem":
      return blocksOf(document.text, problems);
    case "keylime":
      return entriesOf(document.text, problems);
  }
}

function blocksOf(text: string, problems: string[]): readonly Maker[] {
  const blocks = [...text.matchAll(PEM_BLOCK)];
  const begun = text.split("-----BEGIN ").length - 1;
  if (blocks.length === 0 || begun !== blocks.length) {
    problems.push(`${begun} PEM blocks, of which ${blocks.length} can be read`);
  }
  return blocks.map(([, label = "", body = ""], index) => ({
    at: `block ${index + 1}`,
    make: () => {
      switch (label) {
        case "CERTIFICATE":
          return keyOfCertificate(fromBase64(body));
        case "PUBLIC KEY":
          return verificationKey(publicKey(fromBase64(body), "spki"));
        case "RSA PUBLIC KEY":
          return verificationKey(publicKey(fromBase64(body), "pkcs1"));
        default:
          throw new Error(`${label}: a keyring holds certificates and public keys only`);
      }
    },
  }));
}

function entriesOf(text: string, problems: string[]): readonly Maker[] {
  const { keyids, pubkeys } = keylimeDocument(text);
  if (!Array.isArray(keyids) || !Array.isArray(pubkeys) || keyids.length !== pubkeys.length) {
    problems.push("keyids and pubkeys are not two arrays of one length");
    return [];
  }
  return pubkeys.map((key: unknown, index) => ({
    at: `pubkeys[${index}]`,
    make: () => {
      if (typeof key !== "string") throw new Error("not a string");
      const id: unknown = keyids[index];
      if (!Number.isInteger(id) || Number(id) < 0 || Number(id) > KEY_ID_MAX) {
        throw new Error(`keyids[${index}] is not a number of 4 bytes`);
      }
      const object = publicKey(fromBase64(key), "spki");
      return verificationKey(object, Number(id).toString(16).padStart(8, "0"));
    },
  }));
}

/** Members of other names, and of versions to come, say nothing about a key. */
function keylimeDocument(text: string): Readonly<Record<string, unknown>> {
  try {
    const once: unknown = JSON.parse(text);
    const document: unknown = typeof once === "string" ? JSON.parse(once) : once;
    if (typeof document === "object" && document !== null) return { ...document };
  } catch {
    // Said below.
  }
  throw malformed(["not a JSON object"]);
}

function keyOfDer(der: Uint8Array): VerificationKey {
  // A certificate begins with a sequence in a sequence in a sequence or a version, a key with an object identifier there.
  const inner = readDerOf(readDerOf(new ByteReader(der), DerTag.SEQUENCE), DerTag.SEQUENCE);
  return inner.u8() === DerTag.OBJECT_ID
    ? verificationKey(publicKey(der, "spki"))
    : keyOfCertificate(der);
}

function keyOfCertificate(der: Uint8Array): VerificationKey {
  refuseTrailing(der);
  const { publicKey } = new X509Certificate(der);
  const skid = Buffer.from(subjectKeyId(der) ?? []).toString("hex");
  return verificationKey(publicKey, skid.length < 8 ? undefined : skid.slice(-8));
}

function publicKey(der: Uint8Array, type: "spki" | "pkcs1"): KeyObject {
  refuseTrailing(der);
  return createPublicKey({ key: Buffer.from(der), format: "der", type });
}

/** OpenSSL reads what it needs and leaves the rest. */
function refuseTrailing(der: Uint8Array): void {
  const reader = new ByteReader(der);
  readDerOf(reader, DerTag.SEQUENCE);
  reader.end();
}

function fromBase64(text: string): Uint8Array {
  if (!BASE64.test(text)) throw new Error("not base64");
  return Buffer.from(text, "base64");
}

function malformed(problems: readonly string[]): NsImaError {
  return new NsImaError("KEYRING_MALFORMED", problems.join("; "), { problems });
}
