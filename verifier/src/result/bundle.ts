// SPDX-License-Identifier: Apache-2.0

import {
  BUNDLE_MAX,
  type BundleRound,
  decodeStoredStanding,
  encodeBundle,
  type StoredStanding,
} from "@nsattest/protocol";
import { VerifierError } from "../error.ts";
import type { NodeRecord, Store } from "../store/store.ts";

/**
 * Everything that is stored of the node's present boot, as one bundle.
 *
 * @throws VerifierError `BUNDLE_TOO_LARGE`
 */
export function nodeBundle(store: Store, node: NodeRecord, pendingSeconds: number): Uint8Array {
  const documents = new Map<string, string>();
  const standings = new Map<string, StoredStanding>();
  const rounds: BundleRound[] = [];
  let size = 0;
  for (const { received, policy, evidence, standing } of store.judgedRounds(node.id)) {
    size += evidence.length;
    if (size > BUNDLE_MAX) throw tooLarge(node.id);
    if (!documents.has(policy)) documents.set(policy, store.findPolicy(policy) ?? "");
    const decoded = standings.get(standing) ?? decodeStoredStanding(standing);
    standings.set(standing, decoded);
    rounds.push({ received, policy, evidence, standing: decoded });
  }
  const bundle = encodeBundle({
    node: node.id,
    akPublic: node.akPublic,
    pendingSeconds,
    policies: Array.from(documents, ([version, text]) => ({ version, documents: text })),
    rounds,
  });
  if (bundle.length > BUNDLE_MAX) throw tooLarge(node.id);
  return bundle;
}

function tooLarge(node: string): VerifierError {
  return new VerifierError(
    "BUNDLE_TOO_LARGE",
    `the history of this boot has more than ${BUNDLE_MAX >> 20} MiB: check it where it is, with ` +
      `nsattest verify --database FILE --node ${node}; a reboot of the node begins a new one`,
  );
}
