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
  readonly verdict: Verdict;
}

/** Answer of `GET /v1/nodes/:id`, and what `nsattest demo --once --json` prints. */
export interface NodeReport {
  readonly node: {
    readonly id: string;
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
