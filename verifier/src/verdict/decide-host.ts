// SPDX-License-Identifier: Apache-2.0

import { displayPath } from "@nsattest/ns-ima";
import type { BootReference } from "../boot/boot-reference.ts";
import type { HostPolicy } from "../policy/policy-set.ts";
import { bootGrounds } from "./boot-grounds.ts";
import { type Decision, decisionOf } from "./decision.ts";
import type { HostJudgement } from "./judgement.ts";
import type { VerdictReason } from "./reason.ts";

/**
 * What can be said of the host, from everything that was found in this boot.
 *
 * @param policy null when there is none now, whatever was judged by an earlier one
 * @param reference what the node is to have booted; null where nobody says
 * @param stalled host-list entries have been above the last mark for longer than is allowed
 */
export function decideHost(
  judgement: HostJudgement,
  policy: HostPolicy | null,
  stalled: boolean,
  reference: BootReference | null,
): Decision {
  const { findings, aggregate, kexec, waiting } = judgement;
  const boot = bootGrounds(judgement, reference);
  const gaps = gapReasons(judgement);
  return decisionOf(
    {
      contraindicated: [...boot.contraindicated, ...findings.reasons],
      none: [
        ...boot.none,
        ...(aggregate !== null ? [] : [NO_AGGREGATE]),
        ...(kexec ? [KEXEC] : []),
        ...(policy ? programReasons(policy, judgement) : [NO_POLICY]),
        ...(policy && waiting.length > 0 ? [SIGNATURE_PENDING] : []),
        ...(stalled ? [STALLED] : []),
        ...gaps.none,
      ],
      warning: [...findings.warnings, ...gaps.warning],
    },
    [...boot.limits, ...findings.limits],
  );
}

const NO_AGGREGATE: VerdictReason = {
  code: "BOOT_AGGREGATE",
  detail: "the list does not begin with the kernel's aggregate of the boot",
};

const KEXEC: VerdictReason = {
  code: "KEXEC_LIST",
  detail: "a kernel was started by another one, and the list goes on from that one's",
};

/** Something may be signed, and nobody knows yet. */
export const SIGNATURE_PENDING: VerdictReason = {
  code: "SIGNATURE_PENDING",
  detail: "a file was executed that is not listed, and its signature is not known yet",
};

const NO_POLICY: VerdictReason = {
  code: "POLICY_MISSING",
  detail: "the verifier has no policy for hosts",
};

const STALLED: VerdictReason = {
  code: "LOG_STALLED",
  detail: "entries of the host list have been waiting for a mark for too long",
};

const MISSED = "something was not seen";
const GAP: VerdictReason = { code: "GAP", detail: MISSED };
const GAP_RESYNCED: VerdictReason = {
  code: "GAP_RESYNCED",
  detail: `${MISSED}; what runs was read again`,
};
const UNMEASURED: VerdictReason = {
  code: "UNMEASURED",
  detail: "it ran before anything of it could be seen",
};

/**
 * What a gap leads to, of the host or of a namespace. An open one is named after its last cause: that something ran
 * before it could be seen is told from a loss, which may be somebody's doing.
 */
export function gapReasons({
  gap,
  unmeasured,
}: Pick<HostJudgement, "gap" | "unmeasured">): Readonly<
  Record<"none" | "warning", readonly VerdictReason[]>
> {
  switch (gap) {
    case "none":
      return { none: [], warning: [] };
    case "open":
      return { none: [unmeasured ? UNMEASURED : GAP], warning: [] };
    case "resynced":
      return { none: [], warning: [GAP_RESYNCED] };
  }
}

function programReasons(policy: HostPolicy, { programs }: HostJudgement): readonly VerdictReason[] {
  return policy.programs
    .filter((program) => !programs.includes(program))
    .map((program) => ({
      code: "PROGRAMS_UNMEASURED",
      path: displayPath(program),
      detail: "the host was not seen to read this program as the policy lists it",
    }));
}
