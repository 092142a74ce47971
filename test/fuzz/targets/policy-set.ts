// SPDX-License-Identifier: Apache-2.0

import { isDeepStrictEqual } from "node:util";
import { parsePolicySet, restorePolicySet } from "../../../verifier/src/policy/policy-set.ts";
import { type FuzzTarget, promise } from "../engine/target.ts";
import { mutateJson } from "../mutate/json.ts";
import { readSignatures, type SignatureVectors } from "./ima-signature.ts";
import { json } from "./vectors.ts";

const DIGEST = `sha256:${"a".repeat(64)}`;

/** The policy folder of a verifier as one document: file name to document, or to the text of a file that is no JSON. */
export function policySet(root: string): FuzzTarget {
  const [{ spki, certificate, keyId }] = readSignatures(root).keys as [SignatureVectors["keys"][0]];
  const base64 = (digits: string): string => Buffer.from(digits, "hex").toString("base64");
  const deny = [{ digest: DIGEST, reason: "CVE-2026-0001" }];
  const rules = { violations: "warn", keyring: ["keys.pem", "keys.der", "keys.json"], deny };
  const folder = {
    "node-policy.json": {
      imaPolicy: { path: "/etc/ima/ima-policy", digest: DIGEST },
      runtimes: [DIGEST],
      programs: ["/usr/lib/nsattest/monitor.cjs"],
      runtimePolicy: "host.json",
      measurement: {
        bank: "sha384",
        pcrs: [10, 11],
        templates: ["ima-ng", "d-ng|n-ng|iuid"],
        paddedSha1: true,
      },
      ...rules,
      revokedKeys: [`id:${keyId}`, DIGEST],
    },
    "namespace-policies.json": {
      policies: [
        {
          image: DIGEST,
          runtimePolicy: "host.json",
          includeHostAllowlist: true,
          includeHostKeyring: true,
          ...rules,
        },
      ],
    },
    "deny.json": { deny, revokedKeys: [`id:${keyId}`] },
    "host.json": { digests: { "/bin/x": ["a".repeat(64)] }, excludes: ["/tmp/"] },
    "keys.pem": `-----BEGIN PUBLIC KEY-----\n${base64(spki)}\n-----END PUBLIC KEY-----\n`,
    "keys.der": base64(certificate),
    "keys.json": { keyids: [Number.parseInt(keyId, 16)], pubkeys: [base64(spki)] },
  };
  return {
    name: "policy-set",
    seeds: [json(folder), json({ "host.json": folder["host.json"] })],
    mutators: [mutateJson],
    inputMax: 32 * 1024,
    errors: ["VerifierError"],
    run(input) {
      const set = parsePolicySet(filesIn(input));
      const again = restorePolicySet(set.documents);
      promise(again.version === set.version, "a policy set is restored as another version");
      promise(
        isDeepStrictEqual([...again.images.keys()], [...set.images.keys()]),
        "a policy set is restored with other images",
      );
      return `${set.host !== null} ${set.images.size}`;
    },
  };
}

/** Files may hold any text: what is no object stands for a file that is no JSON. */
function filesIn(input: Uint8Array): Map<string, string> {
  const text = Buffer.from(input).toString();
  try {
    const documents = Object.entries(JSON.parse(text) as Record<string, unknown>);
    return new Map(
      documents.map(([name, document]) => [
        name,
        typeof document === "string" ? document : JSON.stringify(document),
      ]),
    );
  } catch {
    return new Map([["node-policy.json", text]]);
  }
}
