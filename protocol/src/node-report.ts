// SPDX-License-Identifier: Apache-2.0

import {
  type Codec,
  invalid,
  type JsonValue,
  listOf,
  nullable,
  objectOf,
  optional,
} from "./codec.ts";
import { nodeId } from "./node-id.ts";
import { flag, integer, isoTime, oneOf, text } from "./scalar-codec.ts";
import type { NamespaceEntry, NamespaceReport, NodeReport, Tier } from "./verdict.ts";
import { shownDigest, shownPath, tier, verdict } from "./verdict-codec.ts";

/** One node in the answer of the verifier's `GET /v1/nodes`. */
export interface NodeSummary {
  readonly id: string;
  /** The host's tier when the answer was written. */
  readonly host: Tier;
  /** A `NodeCondition`. Older verifiers do not say it. */
  readonly condition?: string | undefined;
  readonly validUntil: string;
}

const LIST_MAX = 1_000_000;
const open = { open: true } as const;

const condition = optional(text({ pattern: /^[a-z-]+$/ }));

const entry = objectOf<NamespaceEntry>(
  { kinds: listOf(text(), 16), path: shownPath, digest: nullable(shownDigest) },
  open,
);

const levels: Codec<Readonly<Record<string, number>>, Readonly<Record<string, number>>> = {
  encode: (value) => value,
  decode(wire, at) {
    if (typeof wire !== "object" || wire === null) throw invalid(at, "is not an object");
    const pairs = Object.entries(wire).map(([level, count]) => [
      text({ max: 32 }).decode(level, `${at} level`),
      integer().decode(count, at),
    ]);
    return Object.fromEntries(pairs) as Record<string, number>;
  },
};

const namespace = objectOf<NamespaceReport>(
  {
    id: text(),
    name: text(),
    image: nullable(text()),
    state: oneOf("open", "closed"),
    declared: flag,
    entries: listOf(entry, LIST_MAX),
    levels,
    violations: optional(integer()),
    verdict,
  },
  open,
);

const report = objectOf<NodeReport>(
  {
    node: objectOf<NodeReport["node"]>(
      {
        id: nodeId,
        condition,
        lastContact: optional(isoTime),
        policy: optional(nullable(text({ pattern: /^[0-9a-f]{1,128}$/ }))),
        violations: optional(integer()),
        tpm: objectOf({ ekVerified: flag }, open),
        quote: objectOf({ verified: flag, bank: text(), pcrs: listOf(integer(23), 24) }, open),
        host: verdict,
      },
      open,
    ),
    namespaces: listOf(namespace, LIST_MAX),
    hostList: objectOf(
      { entries: integer(), host: integer(), namespaces: integer(), pending: integer() },
      open,
    ),
  },
  open,
);

const summaries = objectOf(
  {
    nodes: listOf(
      objectOf<NodeSummary>({ id: nodeId, host: tier, condition, validUntil: isoTime }, open),
      LIST_MAX,
    ),
  },
  open,
);

/** The JSON value of a report. */
export function encodeNodeReport(value: NodeReport): JsonValue {
  return report.encode(value);
}

/**
 * Checks a report from the network: what it shows is safe to print. Does not check that it is true, nor whether its
 * verdicts have expired (`currentVerdict`).
 *
 * @throws ProtocolError `FIELD_*`
 */
export function decodeNodeReport(json: unknown): NodeReport {
  return report.decode(json, "report");
}

/** The JSON value `{nodes: [...]}`. */
export function encodeNodeList(nodes: readonly NodeSummary[]): JsonValue {
  return summaries.encode({ nodes });
}

/** @throws ProtocolError `FIELD_*` */
export function decodeNodeList(json: unknown): readonly NodeSummary[] {
  return summaries.decode(json, "answer").nodes;
}
