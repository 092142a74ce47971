// SPDX-License-Identifier: Apache-2.0

import { hash } from "node:crypto";
import {
  type CompiledRuntimePolicy,
  DEFAULT_LIST_PINS,
  type ListPins,
  type RuntimeTest,
} from "@nsattest/ns-ima";
import { BOOT_PCRS } from "@nsattest/tpm";
import {
  type BootReference,
  type BootReferences,
  NO_BOOT_REFERENCES,
  readBootReferences,
} from "../boot/boot-reference.ts";
import { VerifierError } from "../error.ts";
import { JsonSection } from "../strict-json.ts";
import { DigestSet } from "./digest-set.ts";
import {
  type HostParts,
  type NamespacePolicy,
  readNamespacePolicies,
} from "./namespace-policies.ts";
import { type NodePolicy, readNodePolicy } from "./node-policy.ts";
import { type PolicyParts, PolicyPartsReader } from "./policy-parts.ts";
import { joinRefusals, type Refusals, readRefusals } from "./policy-rules.ts";

/** The host's policy: what the node must be, and what it may execute. */
export interface HostPolicy extends Omit<NodePolicy, "runtimes"> {
  /** Container runtimes that are not denied. */
  readonly runtimes: DigestSet;
  readonly executions: CompiledRuntimePolicy;
}

/** All policies of one version. Everything in it comes from the verifier's own files. */
export interface PolicySet {
  /** SHA-256 of `documents`, in hex: what a stored round names. */
  readonly version: string;
  /** JSON object of the files' texts by name; {@link parsePolicySet} reads it again. */
  readonly documents: string;
  /** Null when there is none: then nothing can be said about a host. */
  readonly host: HostPolicy | null;
  /** By image digest. */
  readonly images: ReadonlyMap<string, NamespacePolicy>;
  /** What nodes are to have booted. */
  readonly boots: BootReferences;
  /** What further sets need not make again. */
  readonly parts: PolicyParts;
}

const NODE_POLICY = "node-policy.json";
const NAMESPACE_POLICIES = "namespace-policies.json";
const BOOT_POLICY = "boot-policy.json";
const DENY = "deny.json";

/**
 * Reads the documents of a policy folder: file name to text, of a `.der` file to its base64. A folder without
 * `node-policy.json` has no policy for hosts, one without `namespace-policies.json` none for any image; both are allowed,
 * and nothing is affirmed by them.
 *
 * @param known sets whose parts are used again where a file is the same
 * @throws VerifierError `POLICY_INVALID` with the problems of all files
 */
export function parsePolicySet(
  files: ReadonlyMap<string, string>,
  known: readonly PolicySet[] = [],
): PolicySet {
  const problems: string[] = [];
  const reader = new PolicyPartsReader(
    files,
    problems,
    known.map(({ parts }) => parts),
  );
  const everywhere = readEverywhere(files.get(DENY), problems);
  const nodeText = files.get(NODE_POLICY);
  const { host, parts } = nodeText === undefined ? NO_HOST : readHost(nodeText, everywhere, reader);
  const text = files.get(NAMESPACE_POLICIES);
  const images =
    text === undefined ? new Map() : readNamespacePolicies(text, parts, everywhere, reader);
  const boots = readBoots(files.get(BOOT_POLICY), host, everywhere, problems);

  if (problems.length > 0) {
    throw new VerifierError("POLICY_INVALID", problems.join("; "), { problems });
  }
  const sorted = [...files].sort(([a], [b]) => (a < b ? -1 : 1));
  const documents = JSON.stringify(Object.fromEntries(sorted));
  return {
    version: hash("sha256", documents),
    documents,
    host,
    images,
    boots,
    parts: reader.parts,
  };
}

/** What is wanted of host lists under these policies. */
export function listPinsOf({ host }: PolicySet): ListPins {
  return host?.measurement ?? DEFAULT_LIST_PINS;
}

/** What `node` is to have booted; null where nobody says. */
export function bootReferenceOf({ boots }: PolicySet, node: string): BootReference | null {
  return boots.nodes.get(node) ?? boots.others;
}

/** Knows the container runtimes that the host's policy names: none without one. */
export function isRuntimeOf({ host }: PolicySet): RuntimeTest {
  return (digest) => host?.runtimes.has(digest) ?? false;
}

/** The set whose `documents` these are. Throws as {@link parsePolicySet}. */
export function restorePolicySet(documents: string, known: readonly PolicySet[] = []): PolicySet {
  const files = JSON.parse(documents) as Record<string, string>;
  return parsePolicySet(new Map(Object.entries(files)), known);
}

interface Host {
  readonly host: HostPolicy | null;
  readonly parts: HostParts | null;
}

const NO_HOST: Host = { host: null, parts: null };

function readHost(text: string, everywhere: Refusals, reader: PolicyPartsReader): Host {
  const node = readNodePolicy(text, reader.problems);
  const refusals = joinRefusals(everywhere, node);
  const { denied } = refusals;
  if (denied.has(node.imaPolicy.digest)) {
    reader.problems.push(`${NODE_POLICY}.imaPolicy.digest is denied`);
  }
  const allowlist = reader.allowlist(node.runtimePolicy);
  const keys = reader.keys(node.keyring);
  const executions = reader.bind(node.runtimePolicy, allowlist, { keys, refusals });
  // A denied runtime is no runtime: what it does is then its container's, and denied there.
  const runtimes = new DigestSet(
    new Set([...node.runtimes].filter((digest) => !denied.has(digest))),
  );
  return {
    host: executions && { ...node, runtimes, executions },
    parts: { allowlist, keys: [...keys, ...(allowlist?.keys ?? [])], revoked: node.revoked },
  };
}

function readBoots(
  text: string | undefined,
  host: HostPolicy | null,
  { denied }: Refusals,
  problems: string[],
): BootReferences {
  if (text === undefined) return NO_BOOT_REFERENCES;
  const { bank, pcrs } = host?.measurement ?? DEFAULT_LIST_PINS;
  const boots = readBootReferences(text, bank, problems);
  for (const index of pcrs.filter((each) => BOOT_PCRS.includes(each))) {
    problems.push(`${BOOT_POLICY} needs PCR ${index}, which is one of the list's`);
  }
  for (const { events } of [...boots.nodes.values(), ...(boots.others ? [boots.others] : [])]) {
    for (const digest of events.flatMap(({ digests }) => [...digests])) {
      // A deny list beats every allow.
      if (denied.has(digest)) problems.push(`${BOOT_POLICY}: ${digest} is denied`);
    }
  }
  return boots;
}

/** What is refused everywhere: `deny.json`. */
function readEverywhere(text: string | undefined, problems: string[]): Refusals {
  if (text === undefined) return { denied: new Map(), revoked: [] };
  const root = JsonSection.parse(text, DENY, problems);
  const refusals = readRefusals(root);
  root.refuseUnread();
  return refusals;
}
