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
import type { NamespaceEntry, NamespaceReport, NodeReport, Verdict } from "@nsattest/protocol";
import type { NodeState } from "../pipeline.ts";
import { digestText } from "../policy/digest-text.ts";
import type { Reading } from "../verdict/condition.ts";
import type { NamespaceJudgement } from "../verdict/judgement.ts";

/** Everything there is to show of a node when its standing is read as `reading`. */
export function nodeReport(
  id: string,
  { quoted, join, decided: { judgement } }: NodeState,
  reading: Reading,
  ekChained: boolean,
): NodeReport {
  const counts = ownerCounts(join);
  return {
    node: {
      id,
      condition: reading.condition,
      lastContact: new Date(reading.lastContact).toISOString(),
      policy: reading.policy,
      violations: judgement.host.violations,
      tpm: { ekVerified: ekChained },
      quote: { verified: reading.quoteVerified, ...quoted },
      host: reading.host,
    },
    namespaces: joinedNamespaces(join).flatMap((ns) => {
      const namespace = ns === HOST ? undefined : joinedNamespace(join, ns);
      const judged = judgement.namespaces.get(ns);
      const verdict = reading.namespaces[ns];
      return namespace && judged && verdict ? [namespaceReport(namespace, judged, verdict)] : [];
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
  { image, violations }: NamespaceJudgement,
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
    violations,
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
