// SPDX-License-Identifier: Apache-2.0

import { isDeepStrictEqual } from "node:util";
import {
  decodeBundle,
  type EvidenceBundle,
  encodeBundle,
  encodeEvidence,
} from "@nsattest/protocol";
import { type FuzzTarget, promise } from "../engine/target.ts";
import { mutateCbor } from "../mutate/cbor.ts";
import { promiseViewsWithin } from "./owned-memory.ts";
import { sampleEvidence } from "./samples.ts";

const VERSION = "a".repeat(64);

/** Files of stored evidence: whoever checks one has it from anybody. */
export function bundle(): FuzzTarget {
  const reasons = [
    { code: "NOT_IN_ALLOWLIST", path: "/bin/x", digest: "sha256:00ff", detail: "no" },
  ];
  const decision = { tier: "contraindicated", reasons, limits: ["BOOT_UNVERIFIED"] } as const;
  const standing = { quoteVerified: true, host: decision, namespaces: { "web/2": decision } };
  const value: EvidenceBundle = {
    node: "26c7e9cd-8c58-4f1c-a311-0081508211aa",
    akPublic: new Uint8Array(280).fill(3),
    pendingSeconds: 120,
    policies: [{ version: VERSION, documents: '{"node-policy.json":"{}"}' }],
    rounds: sampleEvidence().map((evidence, index) => ({
      received: 1_700_000_000_000 + index,
      policy: VERSION,
      evidence: encodeEvidence(evidence),
      standing,
    })),
  };
  return {
    name: "bundle",
    seeds: [encodeBundle(value), encodeBundle({ ...value, policies: [], rounds: [] })],
    mutators: [mutateCbor],
    inputMax: 64 * 1024,
    errors: ["ProtocolError"],
    run(input) {
      const read = decodeBundle(input);
      promiseViewsWithin(read, input);
      promise(
        isDeepStrictEqual(decodeBundle(encodeBundle(read)), read),
        "a bundle is read otherwise again",
      );
      return `${read.policies.length > 0} ${read.rounds.length}`;
    },
  };
}
