// SPDX-License-Identifier: Apache-2.0

import type { Allowlist, CompiledRuntimePolicy, VerificationKey } from "@nsattest/ns-ima";
import { JsonSection } from "../strict-json.ts";
import { DIGEST_FORM } from "./digest-text.ts";
import { FILE_FORM } from "./file-form.ts";
import type { PolicyPartsReader } from "./policy-parts.ts";
import { joinRefusals, type PolicyRules, type Refusals, readPolicyRules } from "./policy-rules.ts";

/** What the namespaces of one image may execute. */
export interface NamespacePolicy extends PolicyRules {
  /** File name of the runtime policy. */
  readonly runtimePolicy: string;
  readonly executions: CompiledRuntimePolicy;
}

/** What a namespace's policy may include of the host's. */
export interface HostParts {
  readonly allowlist: Allowlist | null;
  readonly keys: readonly VerificationKey[];
  readonly revoked: readonly string[];
}

/**
 * Reads `namespace-policies.json`: the policies by image digest. Adds what is wrong to the reader's problems.
 *
 * @param host null where there is no policy for hosts
 * @param everywhere refusals of every policy
 */
export function readNamespacePolicies(
  text: string,
  host: HostParts | null,
  everywhere: Refusals,
  reader: PolicyPartsReader,
): ReadonlyMap<string, NamespacePolicy> {
  const images = new Map<string, NamespacePolicy>();
  const root = JsonSection.parse(text, "namespace-policies.json", reader.problems);
  const bound = new Set<string>();
  for (const section of root.sections("policies")) {
    const image = section.text("image", DIGEST_FORM, "sha256:<hex>");
    const policy = readPolicy(section, host, everywhere, reader);
    section.refuseUnread();
    if (bound.has(image)) section.refuse("image", `is bound a second time: ${image}`);
    if (image !== "") bound.add(image);
    if (policy) images.set(image, policy);
  }
  root.refuseUnread();
  return images;
}

function readPolicy(
  section: JsonSection,
  host: HostParts | null,
  everywhere: Refusals,
  reader: PolicyPartsReader,
): NamespacePolicy | null {
  const runtimePolicy = section.text(
    "runtimePolicy",
    FILE_FORM,
    "the name of a .json file beside this one",
  );
  const rules = readPolicyRules(section);
  const hostPart = (key: string): HostParts | null => {
    if (!section.flag(key)) return null;
    if (host === null) section.refuse(key, "needs node-policy.json");
    return host;
  };
  const shared = hostPart("includeHostAllowlist")?.allowlist ?? null;
  const hostKeyring = hostPart("includeHostKeyring");
  const allowlist = reader.allowlist(runtimePolicy);
  const executions = reader.bind(runtimePolicy, allowlist, {
    shared,
    keys: [...reader.keys(rules.keyring), ...(hostKeyring?.keys ?? [])],
    refusals: joinRefusals(everywhere, {
      ...rules,
      revoked: [...rules.revoked, ...(hostKeyring?.revoked ?? [])],
    }),
  });
  return executions && { ...rules, runtimePolicy, executions };
}
