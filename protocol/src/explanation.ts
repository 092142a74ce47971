// SPDX-License-Identifier: Apache-2.0

import { type JsonValue, listOf, nullable, objectOf } from "./codec.ts";
import { namespaceId } from "./ima-codec.ts";
import { nodeId } from "./node-id.ts";
import { integer, isoTime, oneOf, text } from "./scalar-codec.ts";
import type { Reason, Verdict } from "./verdict.ts";
import { code, prose, reason, shownDigest, shownPath, verdict } from "./verdict-codec.ts";

/** What a code means and what to do about it, in plain words. */
export interface Advice {
  readonly meaning: string;
  readonly next: string;
}

/** Where else policies list the content that was refused. */
export interface NearMatch {
  /** `this-policy`: under another path; `other-policy`: for another image, or for the host. */
  readonly where: "this-policy" | "other-policy";
  /** What that policy is of: an image's digest, or `host`. */
  readonly owner: string;
  readonly path: string;
}

/** One reason of a verdict and everything that helps to do something about it. */
export interface Finding extends Advice {
  readonly reason: Reason;
  /** The evidence that brought it: when it came, and the version of the policies that judged it. Null when no evidence did. */
  readonly since: { readonly received: string; readonly policy: string } | null;
  /** How the file was executed: `exec`, `map`, `mprotect`, `anonymous`; `list` for an entry of the host list. */
  readonly seen: readonly string[];
  /** Digests that the policy lists for this path; empty when it does not list the path. Null when it is not about a file. */
  readonly expected: readonly string[] | null;
  /** The first few. */
  readonly near: readonly NearMatch[];
  /** Other namespaces of the node that executed the same content, the first few. */
  readonly others: readonly string[];
}

export interface ExplainedLimit extends Advice {
  readonly code: string;
}

/** Why a namespace stands as it does: answer of `GET /v1/nodes/:id/namespaces/:ns/explanation`. */
export interface Explanation {
  readonly node: string;
  /** `host` or a namespace's id. */
  readonly namespace: string;
  readonly name: string;
  /** Image digest as claimed by the runtime; null for the host, or where it is not known. */
  readonly image: string | null;
  /** Version of the policies that are in force now. */
  readonly policy: string;
  readonly verdict: Verdict;
  readonly findings: readonly Finding[];
  readonly limits: readonly ExplainedLimit[];
  /** Entries of the host list: of this namespace, and of whom all of them are. */
  readonly owners: {
    readonly own: number;
    readonly host: number;
    readonly namespaces: number;
    readonly unowned: number;
    readonly gap: number;
    readonly pending: number;
  };
}

/** Near matches and other namespaces that a finding names. */
export const NAMED_MAX = 10;
const LISTED_MAX = 100_000;
const FINDINGS_MAX = 10_000;
const open = { open: true } as const;

const version = text({ pattern: /^[0-9a-f]{64}$/ });

const near = objectOf<NearMatch>(
  { where: oneOf("this-policy", "other-policy"), owner: text(), path: shownPath },
  open,
);

const finding = objectOf<Finding>(
  {
    reason,
    meaning: prose,
    next: prose,
    since: nullable(objectOf({ received: isoTime, policy: version }, open)),
    seen: listOf(text(), 16),
    expected: nullable(listOf(shownDigest, LISTED_MAX)),
    near: listOf(near, NAMED_MAX),
    others: listOf(namespaceId, NAMED_MAX),
  },
  open,
);

const explanation = objectOf<Explanation>(
  {
    node: nodeId,
    namespace: namespaceId,
    name: text(),
    image: nullable(text()),
    policy: version,
    verdict,
    findings: listOf(finding, FINDINGS_MAX),
    limits: listOf(objectOf<ExplainedLimit>({ code, meaning: prose, next: prose }, open), 1000),
    owners: objectOf(
      {
        own: integer(),
        host: integer(),
        namespaces: integer(),
        unowned: integer(),
        gap: integer(),
        pending: integer(),
      },
      open,
    ),
  },
  open,
);

/** The JSON value of an explanation. */
export function encodeExplanation(value: Explanation): JsonValue {
  return explanation.encode(value);
}

/**
 * Checks an explanation from the network: what it shows is safe to print.
 *
 * @throws ProtocolError `FIELD_*`
 */
export function decodeExplanation(json: unknown): Explanation {
  return explanation.decode(json, "explanation");
}
