// SPDX-License-Identifier: Apache-2.0

import { HOST, joinedNamespaces } from "@nsattest/ns-ima";
import { decodeEvidence } from "@nsattest/protocol";
import type { PolicySet } from "@nsattest/verifier";
import { type Appraisal, appraise, type NodeState } from "../../verifier/src/pipeline.ts";
import { newFakeKey } from "../fakes/fake-tpm.ts";

/** All nodes of a benchmark have one key: making keys is not what is measured. */
export const AK = newFakeKey();

/** When all evidence comes: the clock of a benchmark stands still. */
const NOW = Date.parse("2026-01-01T00:00:00Z");

/**
 * The verifier's whole way from the bytes of an evidence to the verdicts, without network and database. Throws unless the host and all
 * namespaces are affirming: a benchmark that fails fast is none.
 */
export function appraiseAffirming(
  past: NodeState,
  evidence: Uint8Array,
  policies: PolicySet,
): NodeState {
  const context = { node: "", akPublic: AK.akPublic, policies, now: NOW, pendingSeconds: 120 };
  const { state, decisions }: Appraisal = appraise(past, decodeEvidence(evidence), context);
  for (const id of joinedNamespaces(state.join)) {
    const decision = id === HOST ? decisions.host : decisions.namespaces.get(id);
    if (decision?.tier !== "affirming") {
      throw new Error(`not affirming: ${JSON.stringify(decision?.reasons.slice(0, 3))}`);
    }
  }
  return state;
}
