// SPDX-License-Identifier: Apache-2.0

import type { BytePath, GapState, NamespaceId } from "@nsattest/ns-ima";
import { type Findings, NO_FINDINGS } from "./findings.ts";
import type { VerdictReason } from "./reason.ts";

/** What was found about the host so far. */
export interface HostJudgement {
  /** False while there was no policy: then nothing was judged yet. */
  readonly judged: boolean;
  readonly findings: Findings;
  /** Required programs that were seen. */
  readonly programs: ReadonlySet<BytePath>;
  /** The pinned IMA policy was seen. */
  readonly imaPolicyProven: boolean;
}

/** What was found about one namespace so far. */
export interface NamespaceJudgement {
  /** False while no policy was bound to its image. */
  readonly judged: boolean;
  readonly findings: Findings;
  /** Image digest, as its runtime claimed it. */
  readonly image: string | null;
  readonly privileged: boolean;
  readonly executed: boolean;
  readonly gap: GapState;
  /** What the join found: each makes the verdict `contraindicated`. */
  readonly unstable: readonly VerdictReason[];
}

/** Everything that was found in one boot of a node. A value: judging makes the next one. */
export interface Judgement {
  readonly host: HostJudgement;
  readonly namespaces: ReadonlyMap<NamespaceId, NamespaceJudgement>;
}

export const NOTHING_JUDGED: Judgement = {
  host: { judged: false, findings: NO_FINDINGS, programs: new Set(), imaPolicyProven: false },
  namespaces: new Map(),
};
