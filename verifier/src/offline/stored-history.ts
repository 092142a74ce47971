// SPDX-License-Identifier: Apache-2.0

import { type BundleRound, decodeBundle, decodeStoredStanding } from "@nsattest/protocol";
import type { NodeRecord, Store } from "../store/store.ts";

/** What was stored of one boot of a node, wherever it lies. Reading it may throw, for nothing of it was checked. */
export interface StoredHistory {
  readonly node: string;
  /** TPMT_PUBLIC. */
  readonly akPublic: Uint8Array;
  readonly pendingSeconds: number;
  /** Whose word key, policies and times are: a database is its verifier's own, a bundle is anybody's. */
  readonly origin: "bundle" | "database";
  /** The documents of a policy version, or null. */
  readonly documentsOf: (version: string) => string | null;
  /** Can be read more than once. */
  readonly rounds: Iterable<BundleRound>;
}

/** The history in a bundle. @throws ProtocolError as `decodeBundle` */
export function bundleHistory(bytes: Uint8Array): StoredHistory {
  const { policies, ...rest } = decodeBundle(bytes);
  const documents = new Map(policies.map(({ version, documents: text }) => [version, text]));
  return { ...rest, origin: "bundle", documentsOf: (version) => documents.get(version) ?? null };
}

/** The history of a node in a verifier's database; `pendingSeconds` as that verifier is configured. */
export function databaseHistory(
  store: Store,
  { id, akPublic }: NodeRecord,
  pendingSeconds: number,
): StoredHistory {
  return {
    node: id,
    akPublic,
    pendingSeconds,
    origin: "database",
    documentsOf: (version) => store.findPolicy(version),
    rounds: {
      *[Symbol.iterator]() {
        for (const round of store.judgedRounds(id)) {
          yield { ...round, standing: decodeStoredStanding(round.standing) };
        }
      },
    },
  };
}
