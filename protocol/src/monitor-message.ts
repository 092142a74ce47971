// SPDX-License-Identifier: Apache-2.0

import type { HashName } from "@nsattest/tpm";
import { type CborValue, decodeCbor, encodeCbor } from "./cbor.ts";
import { NONCE_SIZE } from "./challenge.ts";
import { type Codec, invalid, listOf, mapOf, nullable } from "./codec.ts";
import { encodeFrame } from "./frame.ts";
import { bootId, hashName, PCRS_MAX, pcrIndex } from "./ima-codec.ts";
import { EVIDENCE_MAX, MONITOR_ANSWER_MAX, MONITOR_REQUEST_MAX } from "./limits.ts";
import { bytes, flag, integer, oneOf, text } from "./scalar-codec.ts";

/**
 * What the agent may ask of the monitor, the only process that reaches the TPM. Nothing in a request selects a key.
 *
 * - `identity`: who the TPM and the node are
 * - `activate`: TPM2_ActivateCredential, for enrolment
 * - `evidence`: one quote over `nonce` of the PCRs that are asked for, with list and log from the given offsets. A quote
 *   says what is true, whichever it is of: the verifier compares with what it has pinned itself
 */
export type MonitorRequest =
  | { readonly op: "identity" }
  | {
      readonly op: "activate";
      readonly credentialBlob: Uint8Array;
      readonly secret: Uint8Array;
    }
  | {
      readonly op: "evidence";
      readonly nonce: Uint8Array;
      readonly listOffset: number;
      readonly logOffset: number;
      readonly bank: HashName;
      readonly pcrs: readonly number[];
      /** The log of what was booted, too. */
      readonly bootLog: boolean;
    };

export type MonitorOp = MonitorRequest["op"];

/** What a granted request is answered with. */
export interface MonitorAnswers {
  readonly identity: {
    readonly bootId: string;
    /** TPMT_PUBLIC of the endorsement key. */
    readonly ekPublic: Uint8Array;
    /** DER; null when the TPM holds none. */
    readonly ekCertificate: Uint8Array | null;
    /** DER of certificates above it that the TPM holds, one after the other. */
    readonly ekChain: Uint8Array;
    /** TPMT_PUBLIC of the attestation key. */
    readonly akPublic: Uint8Array;
  };
  readonly activate: { readonly credential: Uint8Array };
  /** An evidence as `encodeEvidence` writes it: the agent passes it on as it is. */
  readonly evidence: { readonly evidence: Uint8Array };
}

/** A request that was not granted, and why. */
export interface MonitorRefusal {
  /** Stable, from docs/errors.md. */
  readonly code: string;
  readonly message: string;
}

export type MonitorAnswer<Op extends MonitorOp> =
  | ({ readonly ok: true } & MonitorAnswers[Op])
  | ({ readonly ok: false } & MonitorRefusal);

const TPM_STRUCTURE_MAX = 4096;
const CERTIFICATE_MAX = 8192;
const CHAIN_MAX = 16_384;

const structure = bytes(1, TPM_STRUCTURE_MAX);

type MapCodec<T> = Codec<T, ReadonlyMap<string, CborValue>>;

const REQUESTS: { readonly [Op in MonitorOp]: MapCodec<Extract<MonitorRequest, { op: Op }>> } = {
  identity: mapOf({ op: oneOf("identity") }),
  activate: mapOf({ op: oneOf("activate"), credentialBlob: structure, secret: structure }),
  evidence: mapOf({
    op: oneOf("evidence"),
    nonce: bytes(NONCE_SIZE),
    listOffset: integer(),
    logOffset: integer(),
    bank: hashName,
    pcrs: listOf(pcrIndex, PCRS_MAX),
    bootLog: flag,
  }),
};

const ANSWERS: { readonly [Op in MonitorOp]: MapCodec<{ ok: true } & MonitorAnswers[Op]> } = {
  identity: mapOf({
    ok: oneOf(true),
    bootId,
    ekPublic: structure,
    ekCertificate: nullable(bytes(1, CERTIFICATE_MAX)),
    ekChain: bytes(0, CHAIN_MAX),
    akPublic: structure,
  }),
  activate: mapOf({ ok: oneOf(true), credential: bytes(1, 64) }),
  evidence: mapOf({ ok: oneOf(true), evidence: bytes(1, EVIDENCE_MAX) }),
};

const refusal = mapOf<{ ok: false } & MonitorRefusal>({
  ok: oneOf(false),
  code: text({ pattern: /^[A-Z][A-Z0-9_]{0,63}$/ }),
  message: text(),
});

const ops = oneOf(...(Object.keys(REQUESTS) as MonitorOp[]));

/** The whole frame, length included. */
export function encodeMonitorRequest(request: MonitorRequest): Uint8Array {
  const codec = REQUESTS[request.op] as MapCodec<MonitorRequest>;
  return encodeFrame(encodeCbor(codec.encode(request)), MONITOR_REQUEST_MAX);
}

/**
 * Parses the payload of a frame.
 *
 * @throws ProtocolError `MESSAGE_TOO_LARGE`, `CBOR_*`, `FIELD_*`
 */
export function decodeMonitorRequest(payload: Uint8Array): MonitorRequest {
  const wire = decodeCbor(payload, MONITOR_REQUEST_MAX);
  const op = ops.decode(fieldOf(wire, "op", "request"), "request.op");
  return REQUESTS[op].decode(wire, "request");
}

/**
 * The whole frame, length included, for a granted request.
 *
 * @throws ProtocolError `FRAME_TOO_LARGE`
 */
export function encodeMonitorAnswer<Op extends MonitorOp>(
  op: Op,
  answer: MonitorAnswers[Op],
): Uint8Array {
  const codec = ANSWERS[op] as MapCodec<{ ok: true } & MonitorAnswers[Op]>;
  return encodeFrame(encodeCbor(codec.encode({ ok: true, ...answer })), MONITOR_ANSWER_MAX);
}

/** The whole frame, length included, for a request that is not granted. */
export function encodeMonitorRefusal(value: MonitorRefusal): Uint8Array {
  return encodeFrame(encodeCbor(refusal.encode({ ok: false, ...value })), MONITOR_ANSWER_MAX);
}

/**
 * Parses the payload of a frame that answers a request for `op`.
 *
 * @throws ProtocolError `MESSAGE_TOO_LARGE`, `CBOR_*`, `FIELD_*`
 */
export function decodeMonitorAnswer<Op extends MonitorOp>(
  op: Op,
  payload: Uint8Array,
): MonitorAnswer<Op> {
  const wire = decodeCbor(payload, MONITOR_ANSWER_MAX);
  if (!flag.decode(fieldOf(wire, "ok", "answer"), "answer.ok")) {
    return refusal.decode(wire, "answer");
  }
  const codec = ANSWERS[op] as MapCodec<{ ok: true } & MonitorAnswers[Op]>;
  return codec.decode(wire, "answer");
}

function fieldOf(wire: CborValue, name: string, at: string): unknown {
  if (!(wire instanceof Map)) throw invalid(at, "is not a map");
  return wire.get(name);
}
