// SPDX-License-Identifier: Apache-2.0

import type { LogBatch } from "@nsattest/ns-ima";
import { EVENT_LOG_MAX, type PcrValue } from "@nsattest/tpm";
import { decodeCbor, encodeCbor } from "./cbor.ts";
import { NONCE_SIZE } from "./challenge.ts";
import { type JsonValue, listOf, mapOf, nullable, objectOf } from "./codec.ts";
import { ProtocolError } from "./error.ts";
import { bootId, logRecord, pcrValue } from "./ima-codec.ts";
import { BATCHES_MAX, EVIDENCE_MAX } from "./limits.ts";
import { bytes, integer, oneOf } from "./scalar-codec.ts";
import type { Tier } from "./verdict.ts";
import { PROTOCOL_VERSION } from "./version.ts";

/**
 * Body of `POST /v1/nodes/:id/evidence`. Every field is the node's claim until the quote's signature over `attest`, the
 * PCR values and then list and log are checked against each other, in this order.
 */
export interface Evidence {
  readonly bootId: string;
  readonly nonce: Uint8Array;
  /** TPMS_ATTEST. */
  readonly attest: Uint8Array;
  /** TPMT_SIGNATURE. */
  readonly signature: Uint8Array;
  readonly pcrs: readonly PcrValue[];
  /** Bytes of the host list before `list`. */
  readonly listOffset: number;
  /** Raw `binary_runtime_measurements` from there on. */
  readonly list: Uint8Array;
  /** Batches of the namespace log before `batches`. */
  readonly logOffset: number;
  readonly batches: readonly LogBatch[];
  /** The log of what was booted (`binary_bios_measurements`); null where it was not asked for, or the kernel has none. */
  readonly bootLog: Uint8Array | null;
}

/** Answer to evidence that was accepted: a summary. */
export interface EvidenceAnswer {
  readonly host: Tier;
  /** Number of namespaces judged. */
  readonly namespaces: number;
  readonly nextIntervalSeconds: number;
}

/** Bytes of a quote or a signature: the largest TPM structure is far smaller. */
const TPM_STRUCTURE_MAX = 4096;
/** Four banks of all PCRs. */
const PCRS_MAX = 96;
const RECORDS_MAX = 100_000;
const DAY = 86_400;

type WireEvidence = { readonly v: number } & Evidence;

const evidence = mapOf<WireEvidence>({
  v: integer(),
  bootId,
  nonce: bytes(NONCE_SIZE),
  attest: bytes(1, TPM_STRUCTURE_MAX),
  signature: bytes(1, TPM_STRUCTURE_MAX),
  pcrs: listOf(pcrValue, PCRS_MAX),
  listOffset: integer(),
  list: bytes(0, EVIDENCE_MAX),
  logOffset: integer(),
  batches: listOf(listOf(logRecord, RECORDS_MAX), BATCHES_MAX),
  bootLog: nullable(bytes(0, EVENT_LOG_MAX)),
});

const answer = objectOf<EvidenceAnswer>(
  {
    host: oneOf("affirming", "warning", "contraindicated", "none"),
    namespaces: integer(),
    nextIntervalSeconds: integer(DAY),
  },
  { open: true },
);

/** The CBOR map of an evidence, its fields in the order of the interface, after `v`. */
export function encodeEvidence(value: Evidence): Uint8Array {
  return encodeCbor(evidence.encode({ v: PROTOCOL_VERSION, ...value }));
}

/**
 * Parses evidence from untrusted bytes; proves nothing of it. Byte strings in the result are views on `bytes`: whoever
 * keeps a part copies it.
 *
 * @throws ProtocolError `VERSION_UNSUPPORTED`, `MESSAGE_TOO_LARGE`, `CBOR_*`, `FIELD_*`
 */
export function decodeEvidence(bytes: Uint8Array): Evidence {
  const wire = decodeCbor(bytes, EVIDENCE_MAX);
  // First of all, for another version may have other fields.
  if (wire instanceof Map && wire.has("v") && wire.get("v") !== PROTOCOL_VERSION) {
    throw new ProtocolError("VERSION_UNSUPPORTED", `evidence.v is not ${PROTOCOL_VERSION}`);
  }
  const { v: _, ...value } = evidence.decode(wire, "evidence");
  return value;
}

/** The JSON value of an answer. */
export function encodeEvidenceAnswer(value: EvidenceAnswer): JsonValue {
  return answer.encode(value);
}

/** @throws ProtocolError `FIELD_*` */
export function decodeEvidenceAnswer(json: unknown): EvidenceAnswer {
  return answer.decode(json, "answer");
}
