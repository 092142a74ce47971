// SPDX-License-Identifier: Apache-2.0

import {
  displayPath,
  type Execution,
  HOST,
  type JoinedNamespace,
  joinedNamespace,
  joinedNamespaces,
  ownerCounts,
} from "@nsattest/ns-ima";
import {
  currentVerdict,
  type NamespaceEntry,
  type NamespaceReport,
  type NodeReport,
  type Verdict,
} from "@nsattest/protocol";
import type { NodeState } from "../pipeline.ts";
import { digestText } from "../policy/digest-text.ts";
import { quotedSelection } from "../quote/check-quote.ts";
import type { Standing } from "../verdict/standing.ts";

/** Everything there is to show of a node at `now`: verdicts that have expired by then are `none`. */
export function nodeReport(
  id: string,
  { replayed, join, judgement }: NodeState,
  standing: Standing,
  now: Date,
): NodeReport {
  const counts = ownerCounts(join);
  return {
    node: {
      id,
      // A key is pinned only when the registrar says that its EK was verified.
      tpm: { ekVerified: true },
      quote: { verified: standing.quoteVerified, ...quotedSelection(replayed.list.pins) },
      host: currentVerdict(standing.host, now),
    },
    namespaces: joinedNamespaces(join).flatMap((ns) => {
      const namespace = ns === HOST ? undefined : joinedNamespace(join, ns);
      const verdict = standing.namespaces[ns];
      if (!namespace || !verdict) return [];
      const image = judgement.namespaces.get(ns)?.image ?? null;
      return [namespaceReport(namespace, image, currentVerdict(verdict, now))];
    }),
    hostList: {
      entries: join.entries,
      host: counts.host,
      namespaces: counts.namespaces,
      pending: counts.pending,
    },
  };
}

function namespaceReport(
  { id, labels, state, declared, executions }: JoinedNamespace,
  image: string | null,
  verdict: Verdict,
): NamespaceReport {
  const entries = entriesOf(executions);
  return {
    id,
    name: labels.find(([key]) => key === "name")?.[1] ?? id,
    image,
    state,
    declared,
    entries,
    levels: { kernel: entries.length },
    verdict,
  };
}

/** One entry for each file, whatever was done with it. */
function entriesOf(executions: readonly Execution[]): readonly NamespaceEntry[] {
  const entries = new Map<string, { kinds: Set<string>; path: string; digest: string | null }>();
  for (const { how, path, digest } of executions) {
    const text = digest && digestText(digest);
    const key = `${text} ${path}`;
    const entry = entries.get(key) ?? { kinds: new Set(), path: displayPath(path), digest: text };
    entry.kinds.add(how);
    entries.set(key, entry);
  }
  return [...entries.values()].map((entry) => ({ ...entry, kinds: [...entry.kinds] }));
}
