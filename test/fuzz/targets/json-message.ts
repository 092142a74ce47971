// SPDX-License-Identifier: Apache-2.0

import { isDeepStrictEqual } from "node:util";
import * as protocol from "@nsattest/protocol";
import { type FuzzTarget, promise } from "../engine/target.ts";
import { mutateJson } from "../mutate/json.ts";
import { json } from "./vectors.ts";

/** A message as its two functions. */
interface Message {
  readonly name: string;
  readonly decode: (json: unknown) => unknown;
  readonly encode: (value: never) => unknown;
}

const MESSAGES: readonly Message[] = [
  message("ChallengeRequest", protocol.decodeChallengeRequest, protocol.encodeChallengeRequest),
  message("Challenge", protocol.decodeChallenge, protocol.encodeChallenge),
  message("EvidenceAnswer", protocol.decodeEvidenceAnswer, protocol.encodeEvidenceAnswer),
  message("ErrorAnswer", protocol.decodeErrorAnswer, protocol.encodeErrorAnswer),
  message("EnrolStart", protocol.decodeEnrolStart, protocol.encodeEnrolStart),
  message("EnrolChallenge", protocol.decodeEnrolChallenge, protocol.encodeEnrolChallenge),
  message("EnrolFinish", protocol.decodeEnrolFinish, protocol.encodeEnrolFinish),
  message("EnrolResult", protocol.decodeEnrolResult, protocol.encodeEnrolResult),
  message("Registration", protocol.decodeRegistration, protocol.encodeRegistration),
  message("NodeReport", protocol.decodeNodeReport, protocol.encodeNodeReport),
  message("Explanation", protocol.decodeExplanation, protocol.encodeExplanation),
  message("NodeList", protocol.decodeNodeList, protocol.encodeNodeList),
];

function message<T>(
  name: string,
  decode: (json: unknown) => T,
  encode: (value: T) => unknown,
): Message {
  return { name, decode, encode };
}

const NODE = "26c7e9cd-8c58-4f1c-a311-0081508211aa";
const TIME = "2026-01-31T12:00:00.000Z";
const PEM = "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n";
const VERDICT = {
  tier: "contraindicated",
  reasons: [{ code: "NOT_IN_ALLOWLIST", path: "/bin/x", digest: "sha256:00ff", detail: "no" }],
  limits: ["BOOT_UNVERIFIED"],
  validUntil: TIME,
};

const SEEDS: readonly unknown[] = [
  { bootId: NODE },
  {
    nonce: "A".repeat(43),
    listOffset: 4096,
    logOffset: 2,
    bank: "sha256",
    pcrs: [10, 13],
    bootLog: true,
    deadline: TIME,
  },
  { host: "none", namespaces: 3, nextIntervalSeconds: 10 },
  { error: { code: "NODE_UNKNOWN", message: "no such node" } },
  {
    nodeId: NODE,
    ekPublic: "AAAA",
    ekCertificate: "AAAA",
    ekChain: "",
    akPublic: "AAAA",
    tlsKey: "AAAA",
  },
  { enrolmentId: "0123456789abcdef", credentialBlob: "AAAA", secret: "AAAA" },
  { enrolmentId: "0123456789abcdef", proof: `${"A".repeat(43)}=`, possession: "AAAA" },
  { certificate: PEM, ca: PEM + PEM },
  { id: NODE, akPublic: "AAAA", admittedBy: "ek-hash", ekHash: "a".repeat(64), enrolledAt: TIME },
  {
    node: {
      id: NODE,
      tpm: { ekVerified: true },
      quote: { verified: true, bank: "sha256", pcrs: [10, 13] },
      host: VERDICT,
    },
    namespaces: [
      {
        id: "web/2",
        name: "web",
        image: "sha256:00",
        state: "open",
        declared: true,
        entries: [{ kinds: ["exec"], path: "/bin/x", digest: null }],
        levels: { kernel: 1 },
        verdict: { ...VERDICT, reasons: [], tier: "affirming" },
      },
    ],
    hostList: { entries: 4, host: 3, namespaces: 1, pending: 0 },
  },
  {
    node: NODE,
    namespace: "web/2",
    name: "web",
    image: "sha256:00",
    policy: "a".repeat(64),
    verdict: VERDICT,
    findings: [
      {
        reason: VERDICT.reasons[0],
        meaning: "It ran.",
        next: "List it.",
        since: { received: TIME, policy: "b".repeat(64) },
        seen: ["exec"],
        expected: ["sha256:00ff"],
        near: [{ where: "this-policy", owner: "host", path: "/bin/y" }],
        others: ["db/3"],
      },
    ],
    limits: [{ code: "BOOT_UNVERIFIED", meaning: "Nobody looked.", next: "Wait." }],
    owners: { own: 1, host: 2, namespaces: 3, unowned: 0, gap: 0, pending: 0 },
  },
  { nodes: [{ id: "a".repeat(64), host: "affirming", validUntil: TIME }] },
];

/** Every JSON message: each input is given to the decoders of all of them. */
export function jsonMessage(): FuzzTarget {
  return {
    name: "json-message",
    seeds: SEEDS.map(json),
    mutators: [mutateJson],
    inputMax: 16 * 1024,
    errors: ["ProtocolError"],
    run(input) {
      const wire = protocol.parseJson(input);
      const outcomes = MESSAGES.map((each) => tryMessage(each, wire));
      const accepted = MESSAGES.filter((_, index) => outcomes[index] === "ok");
      return `${accepted.map(({ name }) => name).join(" ")} ${new Set(outcomes).size}`;
    },
  };
}

function tryMessage({ name, decode, encode }: Message, wire: unknown): string {
  try {
    const value = decode(wire);
    const again = decode(JSON.parse(JSON.stringify(encode(value as never))));
    promise(isDeepStrictEqual(again, value), `${name} is read otherwise again`);
    return "ok";
  } catch (error) {
    if (error instanceof protocol.ProtocolError) return error.message;
    throw error;
  }
}
