// SPDX-License-Identifier: Apache-2.0

import type { BytePath, GapState, NamespaceId } from "@nsattest/ns-ima";
import { type Findings, NO_FINDINGS } from "./findings.ts";
import type { VerdictReason } from "./reason.ts";

/** What was found about the host so far. */
export interface HostJudgement {
  /** False when something was not judged, for there was no policy. */
  readonly judged: boolean;
  readonly gap: GapState;
  readonly findings: Findings;
  /** Required programs that were seen. */
  readonly programs: ReadonlySet<BytePath>;
  /** The pinned IMA policy was seen. */
  readonly imaPolicyProven: boolean;
}

/** What the join says of one namespace, without what it did. */
export interface NamespaceFacts {
  /** Image digest, as its runtime claimed it. */
  readonly image: string | null;
  readonly privileged: boolean;
  readonly gap: GapState;
  /** Each makes the verdict `contraindicated`. */
  readonly unstable: readonly VerdictReason[];
}

/** What was found about one namespace so far. */
export interface NamespaceJudgement extends NamespaceFacts {
  /** False when something was not judged, for no policy was bound to its image. */
  readonly judged: boolean;
  readonly executed: boolean;
  readonly findings: Findings;
}

/** Everything that was found in one boot of a node. A value: judging makes the next one. */
export interface Judgement {
  readonly host: HostJudgement;
  readonly namespaces: ReadonlyMap<NamespaceId, NamespaceJudgement>;
}

export const NOTHING_JUDGED: Judgement = {
  host: {
    judged: true,
    gap: "open",
    findings: NO_FINDINGS,
    programs: new Set(),
    imaPolicyProven: false,
  },
  namespaces: new Map(),
};
