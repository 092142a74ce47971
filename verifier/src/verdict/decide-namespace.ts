// SPDX-License-Identifier: Apache-2.0

import type { PolicySet } from "../policy/policy-set.ts";
import { gapReasons, SIGNATURE_PENDING } from "./decide-host.ts";
import { codesOf, type Decision, decisionOf } from "./decision.ts";
import type { NamespaceJudgement } from "./judgement.ts";
import type { LimitCode, VerdictReason } from "./reason.ts";

/**
 * What can be said of a namespace on a host of which `host` can be said: never anything better. What was found against
 * the namespace itself is said whatever the host is.
 */
export function decideNamespace(
  judgement: NamespaceJudgement,
  host: Decision,
  images: PolicySet["images"],
): Decision {
  const { image, executed, waiting, privileged, findings, unstable } = judgement;
  const hostReason = reasonOfHost(host);
  const gaps = gapReasons(judgement);
  const isBound = image !== null && images.has(image);
  const contraindicated = [...findings.reasons, ...unstable];
  const limits: LimitCode[] = [
    ...findings.limits,
    ...INHERITED.filter((limit) => host.limits.includes(limit)),
  ];
  if (privileged) limits.push("PRIVILEGED");
  if (image === null) limits.push("IMAGE_NOT_PINNED");
  return decisionOf(
    {
      contraindicated,
      none: [
        ...(isBound ? [] : [withoutPolicy(image)]),
        ...(isBound && waiting.length > 0 ? [SIGNATURE_PENDING] : []),
        ...(executed ? [] : [NOTHING_EXECUTED]),
        ...gaps.none,
        ...hostReason.none,
      ],
      warning: [...findings.warnings, ...gaps.warning, ...hostReason.warning],
    },
    limits,
  );
}

/** What is not known of the host is not known of what runs on it. */
const INHERITED: readonly LimitCode[] = ["BOOT_UNVERIFIED", "IMA_POLICY_UNPROVEN", "LIST_SHA1"];

const NOTHING_EXECUTED: VerdictReason = {
  code: "NO_EXECUTIONS",
  detail: "nothing was executed here, so there is nothing to affirm",
};

function withoutPolicy(image: string | null): VerdictReason {
  const detail =
    image === null ? "the image is not named by a digest" : `no policy is bound to ${image}`;
  return { code: "POLICY_MISSING", detail };
}

function reasonOfHost(
  host: Decision,
): Readonly<Record<"none" | "warning", readonly VerdictReason[]>> {
  const detail = `the host is ${host.tier}: ${codesOf(host)}`;
  switch (host.tier) {
    case "affirming":
      return { none: [], warning: [] };
    case "warning":
      return { none: [], warning: [{ code: "HOST_WARNING", detail }] };
    case "contraindicated":
      return { none: [{ code: "HOST_CONTRAINDICATED", detail }], warning: [] };
    case "none":
      return { none: [{ code: "HOST_UNPROVEN", detail }], warning: [] };
  }
}
