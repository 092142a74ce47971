// SPDX-License-Identifier: Apache-2.0

import { type Codec, type JsonValue, listOf, objectOf, optional } from "./codec.ts";
import { PATH_MAX } from "./limits.ts";
import { isoTime, oneOf, text } from "./scalar-codec.ts";
import type { Reason, Tier, Verdict } from "./verdict.ts";

// The parts of a verdict, for all messages that have one in them.

/** Reasons of one verdict. */
const REASONS_MAX = 1_000_000;
const LIMITS_MAX = 1000;
/** A path byte that is not printable takes four characters (`\x..`). */
const SHOWN_PATH_MAX = 4 * PATH_MAX;
const open = { open: true } as const;

export const tier: Codec<Tier, Tier> = oneOf("affirming", "warning", "contraindicated", "none");

/** A path as it is shown to people. */
export const shownPath: Codec<string, string> = text({ max: SHOWN_PATH_MAX });

/** `<algorithm>:<hex>` */
export const shownDigest: Codec<string, string> = text({ pattern: /^[a-z0-9-]+:[0-9a-f]*$/ });

/** A stable code (docs/errors.md); a newer verifier may have further ones. */
export const code: Codec<string, string> = text({ pattern: /^[A-Z][A-Z0-9_]*$/ });

/** Words for a person, which may name a path. */
export const prose: Codec<string, string> = text({ max: 2 * SHOWN_PATH_MAX });

export const reason: Codec<Reason, JsonValue> = objectOf<Reason>(
  { code, path: optional(shownPath), digest: optional(shownDigest), detail: prose },
  open,
);

const decisionFields = {
  tier,
  reasons: listOf(reason, REASONS_MAX),
  limits: listOf(code, LIMITS_MAX),
} as const;

/** What a verdict says, whenever it is read. */
export const decision: Codec<Omit<Verdict, "validUntil">, JsonValue> = objectOf<
  Omit<Verdict, "validUntil">
>(decisionFields, open);

export const verdict: Codec<Verdict, JsonValue> = objectOf<Verdict>(
  { ...decisionFields, validUntil: isoTime },
  open,
);
