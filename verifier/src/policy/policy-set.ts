// SPDX-License-Identifier: Apache-2.0

import { hash } from "node:crypto";
import {
  type CompiledRuntimePolicy,
  compileRuntimePolicy,
  DEFAULT_LIST_PINS,
  type ListPins,
  type NsImaError,
  parseRuntimePolicy,
  type RuntimeTest,
} from "@nsattest/ns-ima";
import { VerifierError } from "../error.ts";
import { JsonSection } from "../strict-json.ts";
import { DIGEST_FORM, digestText } from "./digest-text.ts";
import { compileLinearPattern } from "./linear-pattern.ts";
import { FILE_FORM, type NodePolicy, readNodePolicy } from "./node-policy.ts";
import { readViolationRule, type ViolationRule } from "./violation-rule.ts";

/** The host's policy: what the node must be, and what it may execute. */
export interface HostPolicy extends NodePolicy {
  readonly executions: CompiledRuntimePolicy;
}

/** What the namespaces of one image may execute. */
export interface NamespacePolicy {
  readonly executions: CompiledRuntimePolicy;
  readonly violations: ViolationRule;
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
}

const NODE_POLICY = "node-policy.json";
const NAMESPACE_POLICIES = "namespace-policies.json";

/**
 * Reads the documents of a policy folder: file name to text. A folder without `node-policy.json` has no policy for
 * hosts, one without `namespace-policies.json` none for any image; both are allowed, and nothing is affirmed by them.
 *
 * @throws VerifierError `POLICY_INVALID` with the problems of all files
 */
export function parsePolicySet(files: ReadonlyMap<string, string>): PolicySet {
  const problems: string[] = [];
  const runtimePolicies = new RuntimePolicies(files, problems);

  let host: HostPolicy | null = null;
  const nodeText = files.get(NODE_POLICY);
  if (nodeText !== undefined) {
    const node = readNodePolicy(nodeText, problems);
    const executions = runtimePolicies.compile(node.runtimePolicy);
    if (executions) host = { ...node, executions };
  }
  const images = readNamespacePolicies(files.get(NAMESPACE_POLICIES), runtimePolicies, problems);

  if (problems.length > 0) {
    throw new VerifierError("POLICY_INVALID", problems.join("; "), { problems });
  }
  const sorted = [...files].sort(([a], [b]) => (a < b ? -1 : 1));
  const documents = JSON.stringify(Object.fromEntries(sorted));
  return { version: hash("sha256", documents), documents, host, images };
}

/** What is wanted of host lists under these policies. */
export function listPinsOf(_policies: PolicySet): ListPins {
  return DEFAULT_LIST_PINS;
}

/** Knows the container runtimes that the host's policy names: none without one. */
export function isRuntimeOf({ host }: PolicySet): RuntimeTest {
  return (digest) => host?.runtimes.has(digestText(digest)) ?? false;
}

/** The set whose `documents` these are. Throws as {@link parsePolicySet}. */
export function restorePolicySet(documents: string): PolicySet {
  return parsePolicySet(new Map(Object.entries(JSON.parse(documents) as Record<string, string>)));
}

function readNamespacePolicies(
  text: string | undefined,
  runtimePolicies: RuntimePolicies,
  problems: string[],
): ReadonlyMap<string, NamespacePolicy> {
  const images = new Map<string, NamespacePolicy>();
  if (text === undefined) return images;
  const root = JsonSection.parse(text, NAMESPACE_POLICIES, problems);
  const bound = new Set<string>();
  for (const section of root.sections("policies")) {
    const image = section.text("image", DIGEST_FORM, "sha256:<hex>");
    const violations = readViolationRule(section);
    const executions = runtimePolicies.compile(
      section.text("runtimePolicy", FILE_FORM, "the name of a .json file beside this one"),
    );
    section.refuseUnread();
    if (bound.has(image)) problems.push(`${NAMESPACE_POLICIES} has two policies for ${image}`);
    if (image !== "") bound.add(image);
    if (executions) images.set(image, { executions, violations });
  }
  root.refuseUnread();
  return images;
}

/** The runtime policies of one folder, each compiled once however many name it. */
class RuntimePolicies {
  readonly #files: ReadonlyMap<string, string>;
  readonly #problems: string[];
  readonly #compiled = new Map<string, CompiledRuntimePolicy | null>();

  constructor(files: ReadonlyMap<string, string>, problems: string[]) {
    this.#files = files;
    this.#problems = problems;
  }

  /** Null, and a problem, for what cannot be used; no further problem for a name that already was one. */
  compile(name: string): CompiledRuntimePolicy | null {
    if (name === "") return null;
    const known = this.#compiled.get(name);
    if (known !== undefined) return known;
    const compiled = this.#read(name);
    this.#compiled.set(name, compiled);
    return compiled;
  }

  #read(name: string): CompiledRuntimePolicy | null {
    const text = this.#files.get(name);
    if (text === undefined) {
      this.#problems.push(`${name} is named, but missing`);
      return null;
    }
    try {
      return compileRuntimePolicy(parseRuntimePolicy(text), compileLinearPattern);
    } catch (error) {
      // A document that is no object has no list of problems, only the one.
      const { message, problems } = error as NsImaError;
      const all = problems.length > 0 ? problems : [message];
      this.#problems.push(...all.map((problem) => `${name}: ${problem}`));
      return null;
    }
  }
}
