// SPDX-License-Identifier: Apache-2.0

import { isDeepStrictEqual } from "node:util";
import { HOST, type NamespaceId } from "@nsattest/ns-ima";
import { decodeStoredStanding, type Finding, type Reason } from "@nsattest/protocol";
import type { Store } from "../store/store.ts";

interface JudgedAt {
  readonly received: number;
  readonly policy: string;
  readonly reasons: readonly Reason[];
}

/**
 * Finds the evidence since which a verdict of a namespace has a reason: of findings, which never go away within a boot,
 * the one that brought it; of others, one since which it has stood. Null for a reason that the last stored round does
 * not have: it was made when the verdict was read, or by evidence that was refused.
 *
 * Reads as many rounds as the history's length has binary digits, and each once.
 */
export function sinceReader(
  store: Store,
  node: string,
  namespace: NamespaceId,
): (reason: Reason) => Finding["since"] {
  const known = new Map<number, JudgedAt>();
  const roundAt = (number: number): JudgedAt => {
    const round = known.get(number) ?? readRound(store, node, namespace, number);
    known.set(number, round);
    return round;
  };
  const length = store.countRounds(node);
  return (reason) => {
    const has = (number: number): boolean =>
      roundAt(number).reasons.some((each) => isDeepStrictEqual(each, reason));
    let [without, within] = [-1, length - 1];
    if (within < 0 || !has(within)) return null;
    while (within - without > 1) {
      const middle = Math.floor((without + within) / 2);
      if (has(middle)) within = middle;
      else without = middle;
    }
    const { received, policy } = roundAt(within);
    return { received: new Date(received).toISOString(), policy };
  };
}

function readRound(store: Store, node: string, namespace: NamespaceId, number: number): JudgedAt {
  const round = store.findRound(node, number);
  if (round === null) throw new Error(`round ${number} of ${node} is not stored`);
  const { received, policy, standing } = round;
  const { host, namespaces } = decodeStoredStanding(standing);
  const decision = namespace === HOST ? host : namespaces[namespace];
  return { received, policy, reasons: decision?.reasons ?? [] };
}
