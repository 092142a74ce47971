// SPDX-License-Identifier: Apache-2.0

import {
  displayPath,
  type GapState,
  isBootAggregate,
  type JoinState,
  joinedEntry,
} from "@nsattest/ns-ima";
import type { HostPolicy } from "../policy/policy-set.ts";
import { type Decision, decisionOf } from "./decision.ts";
import type { HostJudgement } from "./judgement.ts";
import type { LimitCode, VerdictReason } from "./reason.ts";

export interface HostFacts {
  readonly join: JoinState;
  readonly judgement: HostJudgement;
  /** Null when there is none now, whatever was judged by an earlier one. */
  readonly policy: HostPolicy | null;
  /** Host-list entries have been above the last mark for longer than is allowed. */
  readonly stalled: boolean;
}

/** What can be said of the host, from everything that was found in this boot. */
export function decideHost({ join, judgement, policy, stalled }: HostFacts): Decision {
  const { findings, gap, imaPolicyProven } = judgement;
  const limits: LimitCode[] = ["BOOT_UNVERIFIED", ...findings.limits];
  if (!imaPolicyProven) limits.push("IMA_POLICY_UNPROVEN");
  return decisionOf(
    {
      contraindicated: findings.reasons,
      none: [
        ...aggregateReasons(join),
        ...(policy ? programReasons(policy, judgement) : [NO_POLICY]),
        ...(stalled ? [STALLED] : []),
        ...gapReasons(gap).none,
      ],
      warning: gapReasons(gap).warning,
    },
    limits,
  );
}

const NO_POLICY: VerdictReason = {
  code: "POLICY_MISSING",
  detail: "the verifier has no policy for hosts",
};

const STALLED: VerdictReason = {
  code: "LOG_STALLED",
  detail: "entries of the host list have been waiting for a mark for too long",
};

/** What a gap leads to, of the host or of a namespace. */
export function gapReasons(
  gap: GapState,
): Readonly<Record<"none" | "warning", readonly VerdictReason[]>> {
  const detail = "something was not seen";
  return {
    none: gap === "open" ? [{ code: "GAP", detail }] : [],
    warning:
      gap === "resynced"
        ? [{ code: "GAP_RESYNCED", detail: `${detail}; what runs was read again` }]
        : [],
  };
}

function aggregateReasons(join: JoinState): readonly VerdictReason[] {
  const first = joinedEntry(join, 0);
  if (first && isBootAggregate(first)) return [];
  const detail = "the list does not begin with the kernel's aggregate of the boot";
  return [{ code: "BOOT_AGGREGATE", detail }];
}

function programReasons(policy: HostPolicy, { programs }: HostJudgement): readonly VerdictReason[] {
  return policy.programs
    .filter((program) => !programs.has(program))
    .map((program) => ({
      code: "PROGRAMS_UNMEASURED",
      path: displayPath(program),
      detail: "the host was not seen to read this program as the policy lists it",
    }));
}
