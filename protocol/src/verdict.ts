// SPDX-License-Identifier: Apache-2.0

/** The tiers of an EAT Attestation Result (EAR): `none` means that nothing can be said. */
export type Tier = "affirming" | "warning" | "contraindicated" | "none";

/** One cause of a tier. `code` is stable (docs/errors.md); the rest helps a person. */
export interface Reason {
  readonly code: string;
  readonly path?: string;
  /** `<algorithm>:<hex>`. */
  readonly digest?: string;
  readonly detail: string;
}

/** What is known about one namespace, and until when. */
export interface Verdict {
  readonly tier: Tier;
  readonly reasons: readonly Reason[];
  /** Codes of what this verdict does not cover. */
  readonly limits: readonly string[];
  /** ISO 8601. Whoever reads the verdict later than this reads `none: VERDICT_EXPIRED`. */
  readonly validUntil: string;
}

/** One file a namespace executed or mapped. */
export interface NamespaceEntry {
  /** How it was executed: `exec`, `map`, `mprotect`, `anonymous`. */
  readonly kinds: readonly string[];
  readonly path: string;
  /** `<algorithm>:<hex>`, or null where the kernel had none. */
  readonly digest: string | null;
}

/**
 * How a node stands, as its report says it. Each is told from the others by what has to be done about it; a reader may
 * meet further ones.
 *
 * - `never-attested`: no evidence of it was ever appraised
 * - `attested`: the last evidence was accepted, and its verdicts hold
 * - `refused`: the last evidence proved nothing
 * - `rebooted`: the node asked for a challenge in another boot than the known one, and has proven nothing of it yet
 * - `stale`: it is in touch, but its verdicts have run out
 * - `unreachable`: nothing was heard of it for clearly longer than a verdict holds
 */
export type NodeCondition =
  | "never-attested"
  | "attested"
  | "refused"
  | "rebooted"
  | "stale"
  | "unreachable";

export interface NamespaceReport {
  readonly id: string;
  readonly name: string;
  /** Image digest as claimed by the runtime, or null. */
  readonly image: string | null;
  readonly state: "open" | "closed";
  readonly declared: boolean;
  readonly entries: readonly NamespaceEntry[];
  /** Number of entries by the level at which they were obtained. */
  readonly levels: Readonly<Record<string, number>>;
  /** Violations that its tasks caused, whatever its policy makes of them. Older verifiers do not say it. */
  readonly violations?: number | undefined;
  readonly verdict: Verdict;
}

/** Answer of `GET /v1/nodes/:id`, and what `nsattest demo --once --json` prints. What may be absent, older verifiers do not say. */
export interface NodeReport {
  readonly node: {
    readonly id: string;
    /** A {@link NodeCondition}. */
    readonly condition?: string | undefined;
    /** When the node last asked for a challenge or sent evidence: ISO 8601. */
    readonly lastContact?: string | undefined;
    /** Version of the policies that the verdicts are by; null when there was no verdict yet. */
    readonly policy?: string | null | undefined;
    /** Violations that the host's own tasks caused. */
    readonly violations?: number | undefined;
    readonly tpm: { readonly ekVerified: boolean };
    readonly quote: {
      readonly verified: boolean;
      readonly bank: string;
      readonly pcrs: readonly number[];
    };
    readonly host: Verdict;
  };
  readonly namespaces: readonly NamespaceReport[];
  /** Number of host-list entries, and how many of them are whose. */
  readonly hostList: {
    readonly entries: number;
    readonly host: number;
    readonly namespaces: number;
    readonly pending: number;
  };
}

/**
 * `verdict` as it has to be read at `now`: after its `validUntil`, or when that is no time at all, it is
 * `none: VERDICT_EXPIRED`, whatever it was before. Whoever shows or obeys a verdict reads it through this.
 */
export function currentVerdict(verdict: Verdict, now: Date): Verdict {
  // Not `now > until`: that would be false for a time that cannot be parsed.
  if (now.getTime() <= Date.parse(verdict.validUntil)) return verdict;
  const detail = `was ${verdict.tier} until ${verdict.validUntil}`;
  return { ...verdict, tier: "none", reasons: [{ code: "VERDICT_EXPIRED", detail }] };
}
