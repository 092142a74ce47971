// SPDX-License-Identifier: Apache-2.0

import {
  compileAllowlist,
  compileRuntimePolicy,
  type FileDigest,
  type Keyring,
  parseRuntimePolicy,
  type SignatureProblem,
} from "@nsattest/ns-ima";
import { describe, expect, it } from "vitest";
import { contentDigest } from "../../../test/fakes/fake-node.ts";
import { BUSYBOX, runtimePolicy } from "../../../test/fakes/verifier-bench.ts";
import { compileLinearPatterns } from "../policy/linear-pattern.ts";
import { judgeFile, type SignaturesOf } from "./policy-rule.ts";

const listed = compileAllowlist(
  parseRuntimePolicy(JSON.stringify(runtimePolicy([BUSYBOX], ["/tmp/"]))),
  compileLinearPatterns,
);
const FILE = { path: "/bin/signed", digest: contentDigest("signed") };
const unsigned: SignaturesOf = () => [];
const signed: SignaturesOf = () => [new Uint8Array([3])];

function policyWith(judgement: "valid" | SignatureProblem | null) {
  const keyring: Keyring | null = judgement && { judge: () => judgement };
  return compileRuntimePolicy(listed, {
    keyring,
    denied: new Map([[hexOf(contentDigest("denied")), "known to be vulnerable"]]),
  });
}

function hexOf({ algorithm, value }: FileDigest): string {
  return `${algorithm}:${Buffer.from(value).toString("hex")}`;
}

describe("judgeFile", () => {
  it.each([
    ["valid", []],
    ["invalid", ["SIGNATURE_INVALID"]],
    ["unknown-key", ["SIGNATURE_KEY_UNKNOWN"]],
    ["revoked-key", ["SIGNATURE_KEY_REVOKED"]],
  ] as const)("says of a file whose signature is %s: %j", (judgement, codes) => {
    const answer = judgeFile(policyWith(judgement), FILE, "exact", signed);
    expect(answer.reasons.map(({ code }) => code)).toEqual(codes);
    expect(answer.mayBeSigned).toBe(false);
  });

  it("waits for the signature of an unlisted file, where one could help", () => {
    const answer = (policy = policyWith("valid"), file = FILE, of = unsigned) =>
      judgeFile(policy, file, "exact", of);
    expect(answer()).toMatchObject({ reasons: [{ code: "NOT_IN_ALLOWLIST" }], mayBeSigned: true });
    const sha512 = { algorithm: "sha512", value: new Uint8Array(64).fill(1) };
    expect(answer(undefined, { ...FILE, digest: sha512 })).toMatchObject({
      reasons: [{ code: "DIGEST_ALGORITHM" }],
      mayBeSigned: true,
    });
    expect(answer(policyWith(null)).mayBeSigned).toBe(false);
    expect(answer(undefined, { ...FILE, path: BUSYBOX.path })).toMatchObject({
      reasons: [{ code: "DIGEST_MISMATCH" }],
      mayBeSigned: false,
    });
    expect(answer(undefined, { ...FILE, digest: contentDigest("denied") })).toMatchObject({
      reasons: [{ code: "DENIED_DIGEST", detail: "known to be vulnerable" }],
      mayBeSigned: false,
    });
    expect(answer(undefined, { ...FILE, path: "/tmp/x" })).toEqual({
      reasons: [],
      mayBeSigned: false,
    });
  });
});
