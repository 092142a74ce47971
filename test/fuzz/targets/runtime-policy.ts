// SPDX-License-Identifier: Apache-2.0

import { compileAllowlist, compileRuntimePolicy, parseRuntimePolicy } from "@nsattest/ns-ima";
import { compileLinearPatterns } from "../../../verifier/src/policy/linear-pattern.ts";
import type { FuzzTarget } from "../engine/target.ts";
import { mutateJson } from "../mutate/json.ts";
import { json } from "./vectors.ts";

const DIGEST = "a".repeat(64);

/** Keylime's runtime policies. */
export function runtimePolicy(): FuzzTarget {
  const policy = {
    meta: { version: 1, generator: 0, timestamp: "2026-01-31 12:00:00" },
    release: 0,
    digests: { "/bin/a b": [DIGEST, "b".repeat(40)], "/bin/\u00e9": ["0".repeat(64)] },
    excludes: ["/tmp/", "/var/[^/]*/x$"],
    keyrings: { ".ima": [DIGEST] },
    ima: { ignored_keyrings: [], log_hash_alg: "sha1", dm_policy: null },
    "ima-buf": { kernel_version: [DIGEST] },
    "verification-keys": "",
  };
  return {
    name: "runtime-policy",
    seeds: [json(policy), json({ digests: policy.digests })],
    mutators: [mutateJson],
    inputMax: 32 * 1024,
    errors: ["NsImaError"],
    run(input) {
      const parsed = parseRuntimePolicy(Buffer.from(input).toString());
      const compiled = compileRuntimePolicy(compileAllowlist(parsed, compileLinearPatterns));
      const file = {
        path: "/bin/a b",
        digest: { algorithm: "sha256", value: new Uint8Array(32).fill(0xaa) },
        signatures: [],
      };
      const { outcome } = compiled.evaluateExecution(file, "exact");
      return `${outcome} ${compiled.evaluateBuffer({ ...file, path: ".ima" }).outcome}`;
    },
  };
}
