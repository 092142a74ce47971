// SPDX-License-Identifier: Apache-2.0

import { createPublicKey } from "node:crypto";
import { describe, expect, it } from "vitest";
import { vectorKey, vectorSignature, verifyVectorEcdsa } from "../../test/signature-vectors.ts";
import { parseImaSignature } from "./ima-signature.ts";
import { type SignatureCheck, SignatureChecks } from "./signature-checks.ts";
import { verificationKey } from "./verification-key.ts";

function checkOf(name: string): SignatureCheck {
  const { key, xattr, digest } = vectorSignature(name);
  const object = createPublicKey({ key: vectorKey(key).spki, format: "der", type: "spki" });
  return {
    key: verificationKey(object),
    signature: parseImaSignature(xattr),
    digest: digest.value,
  };
}

/** Checks that remember `limit` answers, and how often they had to find one out. */
function counting(limit?: number) {
  const asked: string[] = [];
  const checks = new SignatureChecks((question) => {
    asked.push(Buffer.from(question.digest).toString("hex", 0, 2));
    return verifyVectorEcdsa(question);
  }, limit);
  return { asked, checks };
}

const A = checkOf("v2-p256-sha256");
const B = checkOf("v2-p384-sha256");
const C = checkOf("v2-p256-sha512");

describe("an answer", () => {
  it("is found out once, good or bad", () => {
    const { asked, checks } = counting();
    const bad = { ...A, digest: B.digest };
    for (const _ of [1, 2, 3]) {
      expect(checks.isMadeBy(A)).toBe(true);
      expect(checks.isMadeBy(bad)).toBe(false);
    }
    expect(asked).toHaveLength(2);
  });

  it("is of one key, one signature and one digest", () => {
    const { asked, checks } = counting();
    expect(checks.isMadeBy(A)).toBe(true);
    expect(checks.isMadeBy({ ...A, key: B.key })).toBe(false);
    expect(checks.isMadeBy({ ...A, signature: B.signature })).toBe(false);
    expect(checks.isMadeBy({ ...A, digest: B.digest })).toBe(false);
    expect(asked).toHaveLength(4);
  });

  it("is of one version and kind, though the rest be the same", () => {
    const { checks } = counting();
    const over = checkOf("v3-p256-sha256");
    const relabelled = { ...over.signature, version: 3, kind: "verity" } as const;
    expect(checks.isMadeBy(over)).toBe(true);
    expect(checks.isMadeBy({ ...over, signature: relabelled })).toBe(false);
    const old = checkOf("v1-rsa-sha256");
    expect(checks.isMadeBy(old)).toBe(true);
    const header = Buffer.alloc(16, 1);
    expect(checks.isMadeBy({ ...old, signature: { ...old.signature, header } as never })).toBe(
      false,
    );
  });

  it("is forgotten when there are too many, the longest unused first", () => {
    const { asked, checks } = counting(2);
    for (const check of [A, B, A, C, A]) checks.isMadeBy(check);
    expect(asked).toHaveLength(3);
    checks.isMadeBy(B);
    expect(asked).toHaveLength(4);
  });
});
