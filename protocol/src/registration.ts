// SPDX-License-Identifier: Apache-2.0

import { createHmac } from "node:crypto";
import { type JsonValue, nullable, objectOf } from "./codec.ts";
import { nodeId } from "./node-id.ts";
import { base64, isoTime, oneOf, pem, text } from "./scalar-codec.ts";

/** Body of `POST /v1/enrol/start`. Claims, until the EK certificate is verified and the credential came back. */
export interface EnrolStart {
  readonly nodeId: string;
  /** TPMT_PUBLIC. */
  readonly ekPublic: Uint8Array;
  /** DER, as the TPM holds it (it may be padded); null when it holds none. */
  readonly ekCertificate: Uint8Array | null;
  /** DER of certificates above it that the TPM holds, one after the other; hints that nobody vouches for. */
  readonly ekChain: Uint8Array;
  /** TPMT_PUBLIC. */
  readonly akPublic: Uint8Array;
  /** SPKI of the key that the client certificate is to be for. */
  readonly tlsKey: Uint8Array;
  /** What an operator has given to a node whose TPM nobody vouches for, or null. */
  readonly joinToken: string | null;
  /** SHA-256 of the last certificate that the node was given (DER, hexadecimal); null when it has none. */
  readonly previousCertificate: string | null;
}

/** Its answer: a secret that only the TPM with that EK and that AK can read. */
export interface EnrolChallenge {
  readonly enrolmentId: string;
  readonly credentialBlob: Uint8Array;
  readonly secret: Uint8Array;
}

/** Body of `POST /v1/enrol/finish`. */
export interface EnrolFinish {
  readonly enrolmentId: string;
  /** {@link enrolmentProof}. */
  readonly proof: Uint8Array;
  /** Signature by the TLS key over the bytes of `enrolmentId`. */
  readonly possession: Uint8Array;
}

/** Its answer, both PEM. */
export interface EnrolResult {
  readonly certificate: string;
  readonly ca: string;
}

/**
 * Why a registrar has let a TPM in:
 *
 * - `ek-certificate`: its EK certificate chains to a configured root
 * - `ek-hash`: an operator registered the hash of its EK beforehand
 * - `join-token`: it came with a token, and an operator approved it
 *
 * Of the last two nobody but the operator says that there is a TPM at all.
 */
export type AdmittedBy = "ek-certificate" | "ek-hash" | "join-token";

/** Answer of the registrar's `GET /v1/nodes/:id`. */
export interface Registration {
  readonly id: string;
  /** TPMT_PUBLIC: the key whose quotes are this node's. */
  readonly akPublic: Uint8Array;
  /** Who says that the key is in a TPM. */
  readonly admittedBy: AdmittedBy;
  /** SHA-256 of the EK's SPKI, hexadecimal. */
  readonly ekHash: string;
  readonly enrolledAt: string;
}

const STRUCTURE_MAX = 4096;
const CERTIFICATE_MAX = 8192;
const CHAIN_MAX = 16_384;
const PEM_MAX = 65_536;

const structure = base64(1, STRUCTURE_MAX);
const sha256 = text({ pattern: /^[0-9a-f]{64}$/ });
const enrolmentId = text({ pattern: /^[A-Za-z0-9_-]{16,64}$/ });

const start = objectOf<EnrolStart>({
  nodeId,
  ekPublic: structure,
  ekCertificate: nullable(base64(1, CERTIFICATE_MAX)),
  ekChain: base64(0, CHAIN_MAX),
  akPublic: structure,
  tlsKey: structure,
  joinToken: nullable(text({ pattern: /^[A-Za-z0-9_-]{43}$/ })),
  previousCertificate: nullable(sha256),
});

const challenge = objectOf<EnrolChallenge>(
  { enrolmentId, credentialBlob: structure, secret: structure },
  { open: true },
);

const finish = objectOf<EnrolFinish>({
  enrolmentId,
  proof: base64(32),
  possession: structure,
});

const result = objectOf<EnrolResult>(
  { certificate: pem(PEM_MAX), ca: pem(PEM_MAX) },
  { open: true },
);

const registration = objectOf<Registration>(
  {
    id: nodeId,
    akPublic: structure,
    admittedBy: oneOf("ek-certificate", "ek-hash", "join-token"),
    ekHash: sha256,
    enrolledAt: isoTime,
  },
  { open: true },
);

/**
 * Proof that the TPM read the credential, bound to the key the certificate is for: HMAC-SHA256 with the activated
 * credential as key over the SPKI of the TLS key. Both sides compute it; compare in constant time.
 */
export function enrolmentProof(credential: Uint8Array, tlsKey: Uint8Array): Uint8Array {
  return new Uint8Array(createHmac("sha256", credential).update(tlsKey).digest());
}

/** The JSON value. */
export function encodeEnrolStart(value: EnrolStart): JsonValue {
  return start.encode(value);
}

/** @throws ProtocolError `FIELD_*` */
export function decodeEnrolStart(json: unknown): EnrolStart {
  return start.decode(json, "enrol");
}

/** The JSON value. */
export function encodeEnrolChallenge(value: EnrolChallenge): JsonValue {
  return challenge.encode(value);
}

/** @throws ProtocolError `FIELD_*` */
export function decodeEnrolChallenge(json: unknown): EnrolChallenge {
  return challenge.decode(json, "answer");
}

/** The JSON value. */
export function encodeEnrolFinish(value: EnrolFinish): JsonValue {
  return finish.encode(value);
}

/** @throws ProtocolError `FIELD_*` */
export function decodeEnrolFinish(json: unknown): EnrolFinish {
  return finish.decode(json, "enrol");
}

/** The JSON value. */
export function encodeEnrolResult(value: EnrolResult): JsonValue {
  return result.encode(value);
}

/** @throws ProtocolError `FIELD_*` */
export function decodeEnrolResult(json: unknown): EnrolResult {
  return result.decode(json, "answer");
}

/** The JSON value. */
export function encodeRegistration(value: Registration): JsonValue {
  return registration.encode(value);
}

/** @throws ProtocolError `FIELD_*` */
export function decodeRegistration(json: unknown): Registration {
  return registration.decode(json, "registration");
}
