// SPDX-License-Identifier: Apache-2.0

import { decodeCbor, encodeCbor } from "./cbor.ts";
import { type Codec, invalid, listOf, mapOf, objectOf, recordOf, rowOf } from "./codec.ts";
import { ProtocolError } from "./error.ts";
import { namespaceId } from "./ima-codec.ts";
import { parseJson } from "./json.ts";
import { BUNDLE_MAX, BUNDLE_ROUNDS_MAX, EVIDENCE_MAX } from "./limits.ts";
import { nodeId } from "./node-id.ts";
import { bytes, flag, integer, text } from "./scalar-codec.ts";
import type { Verdict } from "./verdict.ts";
import { decision } from "./verdict-codec.ts";

/** Of the bundle's form, not of the evidence in it. */
export const BUNDLE_VERSION = 1;

/** What was decided about a node after one evidence, without when it ended. */
export interface StoredStanding {
  readonly quoteVerified: boolean;
  readonly host: Omit<Verdict, "validUntil">;
  readonly namespaces: Readonly<Record<string, Omit<Verdict, "validUntil">>>;
}

/** The policies of one version. */
export interface BundlePolicy {
  /** SHA-256 of `documents`, in hex; nobody has checked that. */
  readonly version: string;
  /** JSON object of the policy files' texts by name. */
  readonly documents: string;
}

/** Evidence that a verifier accepted, and what it made of it. */
export interface BundleRound {
  /** Milliseconds since the epoch, by the verifier's clock. */
  readonly received: number;
  /** Version of the policies it was judged by: one of the bundle's. */
  readonly policy: string;
  /** As {@link encodeEvidence} writes it, less what was left pending. */
  readonly evidence: Uint8Array;
  readonly standing: StoredStanding;
}

/**
 * Everything that a verifier has kept of a node's present boot. All of it is the claim of whoever made the bundle, the
 * attestation key included: what is true is for the one who checks it to find out.
 */
export interface EvidenceBundle {
  readonly node: string;
  /** TPMT_PUBLIC. */
  readonly akPublic: Uint8Array;
  /** How long host-list entries might stand above the last mark, as the verifier was configured. */
  readonly pendingSeconds: number;
  readonly policies: readonly BundlePolicy[];
  readonly rounds: readonly BundleRound[];
}

const AK_MAX = 4096;
const PENDING_MAX = 86_400;

/** Text of any characters, as a byte string: documents have line ends and whatever else. */
const utf8: Codec<string, Uint8Array> = {
  encode: (value) => new TextEncoder().encode(value),
  decode(wire, at) {
    const value = bytes(0, BUNDLE_MAX).decode(wire, at);
    try {
      return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(value);
    } catch {
      throw invalid(at, "is not UTF-8");
    }
  },
};

const standing = objectOf<StoredStanding>(
  { quoteVerified: flag, host: decision, namespaces: recordOf(namespaceId, decision) },
  { open: true },
);

interface WireRound {
  readonly received: number;
  readonly policy: number;
  readonly evidence: Uint8Array;
  readonly standing: number;
}

interface WireBundle {
  readonly v: number;
  readonly node: string;
  readonly akPublic: Uint8Array;
  readonly pendingSeconds: number;
  readonly policies: readonly BundlePolicy[];
  readonly standings: readonly string[];
  readonly rounds: readonly WireRound[];
}

const policyRow = rowOf<BundlePolicy>({
  version: text({ pattern: /^[0-9a-f]{64}$/ }),
  documents: utf8,
});

/** `[received, policy, evidence, standing]`: policies and standings by their place in the bundle. */
const roundRow = rowOf<WireRound>({
  received: integer(),
  policy: integer(BUNDLE_ROUNDS_MAX),
  evidence: bytes(1, EVIDENCE_MAX),
  standing: integer(BUNDLE_ROUNDS_MAX),
});

const bundle = mapOf<WireBundle>({
  v: integer(),
  node: nodeId,
  akPublic: bytes(1, AK_MAX),
  pendingSeconds: integer(PENDING_MAX),
  policies: listOf(policyRow, BUNDLE_ROUNDS_MAX),
  standings: listOf(utf8, BUNDLE_ROUNDS_MAX),
  rounds: listOf(roundRow, BUNDLE_ROUNDS_MAX),
});

/**
 * One CBOR map. Standings are JSON texts, each once however many rounds have it: most rounds of a node change nothing.
 *
 * Does not look at the size: a bundle of more than {@link BUNDLE_MAX} bytes cannot be read again.
 */
export function encodeBundle(value: EvidenceBundle): Uint8Array {
  const policies = new Map(value.policies.map(({ version }, index) => [version, index]));
  const places = new Map<StoredStanding, number>();
  const standings = new Map<string, number>();
  const placeOf = (value: StoredStanding): number => {
    const json = JSON.stringify(standing.encode(value));
    const place = standings.get(json) ?? standings.size;
    standings.set(json, place);
    places.set(value, place);
    return place;
  };
  const rounds = value.rounds.map(({ received, policy: version, evidence, standing }) => {
    const policy = policies.get(version);
    if (policy === undefined) throw invalid("round.policy", "is none of the bundle's");
    return { received, policy, evidence, standing: places.get(standing) ?? placeOf(standing) };
  });
  const { node, akPublic, pendingSeconds } = value;
  return encodeCbor(
    bundle.encode({
      v: BUNDLE_VERSION,
      node,
      akPublic,
      pendingSeconds,
      policies: value.policies,
      standings: [...standings.keys()],
      rounds,
    }),
  );
}

/**
 * Parses a bundle from untrusted bytes; proves nothing of it, and does not look into evidence or policy documents. Byte
 * strings in the result are views on `bytes`.
 *
 * @throws ProtocolError `VERSION_UNSUPPORTED`, `MESSAGE_TOO_LARGE`, `CBOR_*`, `FIELD_*`, `JSON_MALFORMED`
 */
export function decodeBundle(bytes: Uint8Array): EvidenceBundle {
  const wire = decodeCbor(bytes, BUNDLE_MAX);
  // First of all, for another version may have other fields.
  if (wire instanceof Map && wire.has("v") && wire.get("v") !== BUNDLE_VERSION) {
    throw new ProtocolError("VERSION_UNSUPPORTED", `bundle.v is not ${BUNDLE_VERSION}`);
  }
  const { v: _, standings, rounds, ...rest } = bundle.decode(wire, "bundle");
  const versions = rest.policies.map(({ version }) => version);
  if (new Set(versions).size !== versions.length) {
    throw invalid("bundle.policies", "has a version twice");
  }
  const known = standings.map(decodeStoredStanding);
  return {
    ...rest,
    rounds: rounds.map((round, index) => ({
      ...round,
      policy: itemAt(versions, round.policy, `bundle.rounds[${index}].policy`),
      standing: itemAt(known, round.standing, `bundle.rounds[${index}].standing`),
    })),
  };
}

/**
 * Reads the JSON of a standing; what it has besides what is compared is passed over.
 *
 * @throws ProtocolError `JSON_MALFORMED`, `FIELD_*`
 */
export function decodeStoredStanding(json: string): StoredStanding {
  return standing.decode(parseJson(new TextEncoder().encode(json), BUNDLE_MAX), "standing");
}

function itemAt<T>(items: readonly T[], index: number, at: string): T {
  const item = items[index];
  if (item === undefined) throw invalid(at, "is none of the bundle's");
  return item;
}
