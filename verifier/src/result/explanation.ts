// SPDX-License-Identifier: Apache-2.0

import {
  type BytePath,
  bytePathFromText,
  type CompiledRuntimePolicy,
  type DigestTable,
  displayPath,
  HOST,
  type JoinState,
  joinedEntry,
  joinedNamespace,
  joinedNamespaces,
  type NamespaceId,
  ownerCounts,
} from "@nsattest/ns-ima";
import {
  type Explanation,
  type Finding,
  NAMED_MAX,
  type NearMatch,
  type Reason,
  type Verdict,
} from "@nsattest/protocol";
import { digestText } from "../policy/digest-text.ts";
import type { PolicySet } from "../policy/policy-set.ts";
import { adviceOf } from "./advice.ts";

export interface ExplanationInput {
  readonly node: string;
  readonly namespace: NamespaceId;
  readonly join: JoinState;
  /** Null for the host. */
  readonly image: string | null;
  /** As it is read now. */
  readonly verdict: Verdict;
  /** In force now: what a finding is compared with, whatever it was judged by. */
  readonly policies: PolicySet;
  /** The evidence that brought a reason. */
  readonly sinceOf: (reason: Reason) => Finding["since"];
}

/** How a file of the host list was seen that nobody was seen to execute. */
const LISTED = "list";
const SHA256 = "sha256:";

/** A finding's file: what of it is known, and where else its content is. */
interface FileFacts {
  readonly reason: Reason;
  readonly seen: Set<string>;
  /** As the log has it, or the list; null where only the printed form is known. */
  path: BytePath | null;
  readonly others: Set<NamespaceId>;
  /** By owner and path: a policy may list a content at one path by itself and with the host's allowlist. */
  readonly near: Map<string, NearMatch>;
}

/**
 * Why a namespace or the host stands as it does: for each reason what was seen and when, what its policy lists, where
 * that content is listed otherwise, and what to do. The cost grows with what the node executed and with the policies;
 * it is paid when somebody asks.
 */
export function explain(input: ExplanationInput): Explanation {
  const { node, namespace, join, image, verdict, policies, sinceOf } = input;
  const policy = policyOf(input);
  const facts = verdict.reasons.map(newFacts);
  const files = facts.filter(({ reason }) => reason.path !== undefined);
  if (files.length > 0) {
    findExecutions(input, files);
    if (namespace === HOST) findEntries(join, files);
    findNearMatches(input, policy, files);
  }
  const labels = joinedNamespace(join, namespace)?.labels ?? [];
  const own = joinedNamespace(join, namespace)?.entries.length ?? 0;
  const counts = ownerCounts(join);
  return {
    node,
    namespace,
    name: labels.find(([key]) => key === "name")?.[1] ?? namespace,
    image,
    policy: policies.version,
    verdict,
    findings: facts.map((each) => ({
      reason: each.reason,
      ...adviceOf(each.reason.code),
      since: sinceOf(each.reason),
      seen: [...each.seen].sort(),
      expected: policy && each.reason.path !== undefined ? expectedOf(policy, each) : null,
      near: [...each.near.values()].slice(0, NAMED_MAX),
      others: [...each.others].slice(0, NAMED_MAX),
    })),
    limits: verdict.limits.map((code) => ({ code, ...adviceOf(code) })),
    owners: { ...counts, own: namespace === HOST ? counts.host : own },
  };
}

function policyOf({ namespace, image, policies }: ExplanationInput): CompiledRuntimePolicy | null {
  if (namespace === HOST) return policies.host?.executions ?? null;
  return (image === null ? undefined : policies.images.get(image)?.executions) ?? null;
}

function newFacts(reason: Reason): FileFacts {
  return { reason, seen: new Set(), path: null, others: new Set(), near: new Map() };
}

/** The host answers for what those executed who may act as the host. */
function findExecutions({ join, namespace }: ExplanationInput, files: readonly FileFacts[]): void {
  const wanted = byDigest(files);
  for (const id of joinedNamespaces(join)) {
    const { executions, privileged } = joinedNamespace(join, id) ?? NOTHING;
    const isOwn = id === namespace || (namespace === HOST && privileged.length > 0);
    for (const { how, path, digest } of executions) {
      for (const file of wanted.get(digest ? digestText(digest) : "") ?? []) {
        if (isOwn && displayPath(path) === file.reason.path) {
          file.seen.add(how);
          file.path = path;
        }
        if (id !== namespace && digest) file.others.add(id);
      }
    }
  }
}

const NOTHING = { executions: [], privileged: [] } as const;

function findEntries(join: JoinState, files: readonly FileFacts[]): void {
  const wanted = byDigest(files);
  for (let index = 0; index < join.entries; index++) {
    const { path, digest } = joinedEntry(join, index) ?? { path: "", digest: null };
    for (const file of (digest && wanted.get(digestText(digest))) || []) {
      if (displayPath(path) !== file.reason.path) continue;
      file.seen.add(LISTED);
      file.path ??= path;
    }
  }
}

function byDigest(files: readonly FileFacts[]): ReadonlyMap<string, readonly FileFacts[]> {
  const groups = new Map<string, FileFacts[]>();
  for (const file of files) {
    const digest = file.reason.digest ?? "";
    groups.set(digest, [...(groups.get(digest) ?? []), file]);
  }
  return groups;
}

/** What the policy lists for the file's path, as the file system has it or as IMA writes it. */
function expectedOf({ files }: CompiledRuntimePolicy, { reason, path }: FileFacts): string[] {
  const known = path ?? bytePathFromText(reason.path ?? "");
  const listed = (files.exact.has(known) ? files.exact : files.ima).expected(known);
  return listed.map((hex) => SHA256 + hex);
}

/** Where the policies list a content that this one does not allow at this path. */
function findNearMatches(
  { namespace, image, policies }: ExplanationInput,
  policy: CompiledRuntimePolicy | null,
  files: readonly FileFacts[],
): void {
  const wanted = byDigest(files);
  const own = policy?.files.exact;
  const owners = new Map<DigestTable, string>();
  if (own) owners.set(own, namespace === HOST ? HOST : (image ?? ""));
  for (const [digest, { executions }] of policies.images) {
    // Several images may share one policy.
    const { exact } = executions.files;
    if (!owners.has(exact)) owners.set(exact, digest);
  }
  const host = policies.host?.executions.files.exact;
  if (host && !owners.has(host)) owners.set(host, HOST);

  for (const [table, owner] of owners) {
    const where = table === own ? "this-policy" : "other-policy";
    for (const [path, digests] of table.entries()) {
      for (const hex of digests) {
        for (const file of wanted.get(SHA256 + hex) ?? []) {
          file.near.set(`${owner} ${path}`, { where, owner, path: displayPath(path) });
        }
      }
    }
  }
}
