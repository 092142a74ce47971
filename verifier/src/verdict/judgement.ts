// SPDX-License-Identifier: Apache-2.0

import {
  type BytePath,
  type GapState,
  type JoinedExecution,
  LayeredMap,
  type NamespaceId,
} from "@nsattest/ns-ima";
import type { ProvenBoot } from "../boot/proven-boot.ts";
import { type Findings, NO_FINDINGS } from "./findings.ts";
import { NOTHING_WAITS } from "./judge-waiting.ts";
import type { VerdictReason } from "./reason.ts";

/** What is said of the host and of every other namespace alike. */
interface CommonJudgement {
  readonly gap: GapState;
  /** Its last gap is that it ran before anything could be seen, and what runs was not read again since. */
  readonly unmeasured: boolean;
  /** Violations that its tasks caused. */
  readonly violations: number;
  readonly findings: Findings;
}

/** What was found about the host so far. */
export interface HostJudgement extends CommonJudgement {
  /** What nobody has judged yet: executions of the host, and of whoever may act as the host. */
  readonly waiting: readonly JoinedExecution[];
  /** Indices of entries that came while there was no policy. */
  readonly waitingEntries: readonly number[];
  /** The kernel's aggregate of the boot, with which the list begins; null where it does not. */
  readonly aggregate: string | null;
  /** What was booted; null where nobody asked, or there is no log of it. */
  readonly boot: ProvenBoot | null;
  /** There is a second aggregate among the entries from before the log: the kernel was started by another one. */
  readonly kexec: boolean;
  /** Required programs that were seen. */
  readonly programs: readonly BytePath[];
  /** The pinned IMA policy was seen. */
  readonly imaPolicyProven: boolean;
}

/** What the join says of one namespace, without what it did. */
export interface NamespaceFacts {
  /** Image digest, as its runtime claimed it. */
  readonly image: string | null;
  readonly privileged: boolean;
  readonly gap: GapState;
  /** Each makes the verdict `contraindicated`. Without violations, which are for a policy to judge. */
  readonly unstable: readonly VerdictReason[];
}

/** What was found about one namespace so far. */
export interface NamespaceJudgement extends CommonJudgement, NamespaceFacts {
  readonly executed: boolean;
  /** What nobody has judged yet. */
  readonly waiting: readonly JoinedExecution[];
}

/**
 * Everything that was found in one boot of a node. A value: judging makes the next one, and gives back the same where
 * nothing is new.
 */
export interface Judgement {
  /** Version of the policies that judged last; null before anything was judged. */
  readonly policy: string | null;
  readonly host: HostJudgement;
  readonly namespaces: LayeredMap<NamespaceId, NamespaceJudgement>;
  /** Namespaces in which something may be signed that nobody knows yet. */
  readonly pending: ReadonlySet<NamespaceId>;
}

export const NOTHING_JUDGED: Judgement = {
  policy: null,
  host: {
    gap: "open",
    unmeasured: false,
    violations: 0,
    findings: NO_FINDINGS,
    waiting: NOTHING_WAITS,
    waitingEntries: NOTHING_WAITS,
    aggregate: null,
    boot: null,
    kexec: false,
    programs: [],
    imaPolicyProven: false,
  },
  namespaces: new LayeredMap<NamespaceId, NamespaceJudgement>(),
  pending: new Set(),
};
