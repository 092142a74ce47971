// SPDX-License-Identifier: Apache-2.0

import type { JoinState } from "@nsattest/ns-ima";
import type { PolicySet } from "../policy/policy-set.ts";
import { decideHost } from "./decide-host.ts";
import { decideNamespace } from "./decide-namespace.ts";
import type { Judgement } from "./judgement.ts";
import type { Decisions } from "./standing.ts";

/** What can be said of the host and of each of its namespaces. `stalled`: see `LOG_STALLED`. */
export function decide(
  join: JoinState,
  judgement: Judgement,
  policies: PolicySet,
  stalled: boolean,
): Decisions {
  const host = decideHost({ join, judgement: judgement.host, policy: policies.host, stalled });
  const namespaces = new Map(
    [...judgement.namespaces].map(([id, namespace]) => [
      id,
      decideNamespace(namespace, host, policies.images),
    ]),
  );
  return { host, namespaces };
}
