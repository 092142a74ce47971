// SPDX-License-Identifier: Apache-2.0

import type { HashName } from "@nsattest/tpm";
import { type JsonValue, listOf, objectOf } from "./codec.ts";
import { bootId, hashName, PCRS_MAX, pcrIndex } from "./ima-codec.ts";
import { base64url, flag, integer, isoTime } from "./scalar-codec.ts";

/** Bytes of a nonce. */
export const NONCE_SIZE = 32;

/** Body of `POST /v1/nodes/:id/challenge`. */
export interface ChallengeRequest {
  /** Boot the node is in, as it claims: the verifier answers with the offsets it has reached in that boot. */
  readonly bootId: string;
}

/** Its answer: what the next evidence has to be. The verifier remembers it and trusts no echo of it. */
export interface Challenge {
  readonly nonce: Uint8Array;
  /** Bytes of the host list that the verifier has. */
  readonly listOffset: number;
  /** Batches of the namespace log that the verifier has. */
  readonly logOffset: number;
  readonly bank: HashName;
  readonly pcrs: readonly number[];
  /** The verifier wants the log of what was booted: once for each boot. */
  readonly bootLog: boolean;
  /** Until when the nonce counts: ISO 8601. */
  readonly deadline: string;
}

const request = objectOf<ChallengeRequest>({ bootId });

const challenge = objectOf<Challenge>(
  {
    nonce: base64url(NONCE_SIZE),
    listOffset: integer(),
    logOffset: integer(),
    bank: hashName,
    pcrs: listOf(pcrIndex, PCRS_MAX),
    bootLog: flag,
    deadline: isoTime,
  },
  { open: true },
);

/** The JSON value of a request. */
export function encodeChallengeRequest(value: ChallengeRequest): JsonValue {
  return request.encode(value);
}

/** @throws ProtocolError `FIELD_*` */
export function decodeChallengeRequest(json: unknown): ChallengeRequest {
  return request.decode(json, "challenge");
}

/** The JSON value of a challenge. */
export function encodeChallenge(value: Challenge): JsonValue {
  return challenge.encode(value);
}

/** @throws ProtocolError `FIELD_*` */
export function decodeChallenge(json: unknown): Challenge {
  return challenge.decode(json, "challenge");
}
