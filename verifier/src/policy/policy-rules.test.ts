// SPDX-License-Identifier: Apache-2.0

import { hash } from "node:crypto";
import type { PolicyDecision } from "@nsattest/ns-ima";
import { describe, expect, it } from "vitest";
import { vectorKey, vectorSignature } from "../../../ns-ima/test/signature-vectors.ts";
import { IMAGE, INIT, RUNC } from "../../../test/fakes/fake-node.ts";
import {
  BUSYBOX,
  digestText,
  policyDocuments,
  runtimePolicy,
} from "../../../test/fakes/verifier-bench.ts";
import type { VerifierError } from "../error.ts";
import { isRuntimeOf, type PolicySet, parsePolicySet, restorePolicySet } from "./policy-set.ts";

/** A file that a vector's tool signed, which no policy lists. */
const signed = (name: string) => {
  const { digest, xattr } = vectorSignature(name);
  return { path: "/opt/signed", digest, signatures: [xattr] };
};
const RSA = signed("v2-rsa-sha256");
const EC = signed("v2-p256-sha256");
const ALLOWED = { outcome: "allowed", by: "signature" };

const pem = (...names: readonly string[]): string =>
  names
    .map((name) => vectorKey(name).certificate.toString("base64"))
    .map((text) => `-----BEGIN CERTIFICATE-----\n${text}\n-----END CERTIFICATE-----\n`)
    .join("");
const keylime = (name: string): string =>
  JSON.stringify({
    keyids: [Number.parseInt(vectorKey(name).keyId, 16)],
    pubkeys: [vectorKey(name).spki.toString("base64")],
  });

interface Changes {
  /** Further members of `node-policy.json`. */
  readonly node?: object;
  /** Further members of the one entry of `namespace-policies.json`. */
  readonly image?: object;
  /** Further documents, as objects, and files that are no JSON of ours. */
  readonly documents?: Readonly<Record<string, unknown>>;
  readonly files?: Readonly<Record<string, string>>;
}

const bare = Object.fromEntries(policyDocuments());

function filesOf({
  node = {},
  image = {},
  documents = {},
  files = {},
}: Changes): Map<string, string> {
  const bound = { image: IMAGE, runtimePolicy: "busybox.json", ...image };
  const all = policyDocuments({
    "node-policy.json": { ...JSON.parse(bare["node-policy.json"] ?? ""), ...node },
    "namespace-policies.json": { policies: [bound] },
    ...documents,
  });
  return new Map([...all, ...Object.entries(files)]);
}

const setOf = (changes: Changes): PolicySet => parsePolicySet(filesOf(changes));
const onHost = ({ host }: PolicySet, file: typeof RSA): PolicyDecision | undefined =>
  host?.executions.evaluateExecution(file, "exact");
const inImage = ({ images }: PolicySet, file: typeof RSA): PolicyDecision | undefined =>
  images.get(IMAGE)?.executions.evaluateExecution(file, "exact");

function problemsOf(changes: Changes): readonly string[] {
  try {
    setOf(changes);
  } catch (error) {
    return (error as VerifierError).problems;
  }
  return [];
}

describe("a keyring", () => {
  const files = { "rsa.pem": pem("rsa-2048", "p384"), "ec.pem": pem("p256") };

  it("is the host's or an image's own", () => {
    const set = setOf({ files, node: { keyring: "rsa.pem" }, image: { keyring: ["ec.pem"] } });
    expect([onHost(set, RSA), inImage(set, EC)]).toEqual([ALLOWED, ALLOWED]);
    const unknown = { outcome: "not-listed", signature: "unknown-key" };
    expect([onHost(set, EC), inImage(set, RSA)]).toEqual([unknown, unknown]);
    expect(set.host?.executions.acceptsSignatures).toBe(true);
  });

  it("is none unless one is named", () => {
    const set = setOf({ files });
    expect([onHost(set, RSA), inImage(set, RSA)]).toEqual(Array(2).fill({ outcome: "not-listed" }));
    expect(set.host?.executions.acceptsSignatures).toBe(false);
  });

  it("of the host can be an image's too", () => {
    const image = { keyring: "ec.pem", includeHostKeyring: true };
    const set = setOf({ files, node: { keyring: "rsa.pem" }, image });
    expect([inImage(set, RSA), inImage(set, EC)]).toEqual([ALLOWED, ALLOWED]);
    expect(onHost(set, EC)).toMatchObject({ signature: "unknown-key" });
  });

  it("may be several files, of any form", () => {
    const { spki } = vectorKey("p256");
    const forms = { "ec.der": spki.toString("base64"), "ec.json": keylime("p256") };
    for (const keyring of [["ec.der"], ["ec.json"], ["rsa.pem", "ec.der"], "ec.der"]) {
      const set = setOf({ files: { ...files, ...forms }, image: { keyring } });
      expect(inImage(set, EC)).toEqual(ALLOWED);
    }
  });

  it("comes with a runtime policy too, of the host's for whoever includes it", () => {
    const keys = (name: string) => ({ "verification-keys": keylime(name) });
    const set = setOf({
      documents: {
        "host.json": { ...runtimePolicy([INIT]), ...keys("rsa-2048") },
        "busybox.json": { digests: {}, ...keys("p256") },
      },
      image: { includeHostKeyring: true },
    });
    expect([onHost(set, RSA), inImage(set, EC), inImage(set, RSA)]).toEqual(Array(3).fill(ALLOWED));
    expect(onHost(set, EC)).toMatchObject({ signature: "unknown-key" });
  });

  it("is restored from what is stored, byte for byte", () => {
    const der = { "ec.der": vectorKey("p256").spki.toString("base64") };
    const set = setOf({ files: { ...files, ...der }, image: { keyring: ["ec.der", "rsa.pem"] } });
    const restored = restorePolicySet(set.documents);
    expect(restored.version).toBe(set.version);
    expect([inImage(restored, EC), inImage(restored, RSA)]).toEqual([ALLOWED, ALLOWED]);
    expect(setOf({ files: { ...files, "ec.der": der["ec.der"].toLowerCase() } }).version).not.toBe(
      set.version,
    );
  });

  it("is made once for all sets with the same file", () => {
    const set = setOf({ files, image: { keyring: ["ec.pem", "rsa.pem", "ec.pem"] } });
    const other = parsePolicySet(filesOf({ files, node: { keyring: "ec.pem" } }), [set]);
    expect(set.parts.keys.size).toBe(2);
    expect(set.parts.keys).toEqual(new Map([...set.parts.keys, ...other.parts.keys]));
    const [[content = "", keys] = []] = other.parts.keys;
    expect(set.parts.keys.get(content)).toBe(keys);
  });

  it.each([
    ["is missing", { keyring: "no.pem" }, "no.pem is named, but missing"],
    ["is in another folder", { keyring: "../rsa.pem" }, "policies[0].keyring must be the name of"],
    ["has another form", { keyring: ["rsa.txt"] }, "policies[0].keyring[0] must be the name of"],
    ["is a number", { keyring: 7 }, "policies[0].keyring must be an array"],
    ["holds no key", { keyring: "busybox.json" }, "busybox.json: keyids and pubkeys are not"],
    ["is no PEM", { keyring: "bad.pem" }, "bad.pem: 0 PEM blocks"],
    ["is the host's, by no flag", { includeHostKeyring: "yes" }, "must be true or false"],
  ])("is refused when it %s", (_, image, problem) => {
    const problems = problemsOf({ files: { ...files, "bad.pem": "" }, image });
    expect(problems).toEqual([expect.stringContaining(problem)]);
  });

  it("is reported once, however often it is named", () => {
    expect(problemsOf({ node: { keyring: "no.pem" }, image: { keyring: ["no.pem"] } })).toEqual([
      "no.pem is named, but missing",
    ]);
  });
});

describe("the host's allowlist", () => {
  const init = { path: INIT.path, digest: fileDigest(INIT.content), signatures: [] };

  it("can be an image's too", () => {
    expect(inImage(setOf({}), init as never)).toEqual({ outcome: "not-listed" });
    const set = setOf({ image: { includeHostAllowlist: true } });
    expect(inImage(set, init as never)).toEqual({ outcome: "allowed", by: "digest" });
  });

  it.each(["includeHostAllowlist", "includeHostKeyring"])(
    "cannot be without a policy for hosts: %s",
    (flag) => {
      expect(
        problemsOf({ image: { [flag]: true }, documents: { "node-policy.json": undefined } }),
      ).toEqual([`namespace-policies.json.policies[0].${flag} needs node-policy.json`]);
    },
  );

  it("is not asked for when it cannot be read: that is one problem, not two", () => {
    const documents = { "host.json": { digests: 7 } };
    expect(problemsOf({ documents, image: { includeHostAllowlist: true } })).toEqual([
      "host.json: digests: not an object",
    ]);
  });
});

describe("a denied digest", () => {
  const busybox = { path: BUSYBOX.path, digest: fileDigest(BUSYBOX.content), signatures: [] };
  const deny = [{ digest: digestText(BUSYBOX.content), reason: "CVE of yesterday" }];
  const denied = { outcome: "denied", reason: "CVE of yesterday" };

  it("of deny.json is denied everywhere", () => {
    const set = setOf({ documents: { "deny.json": { deny } } });
    expect([onHost(set, busybox as never), inImage(set, busybox as never)]).toEqual([
      denied,
      denied,
    ]);
  });

  it("of one policy is denied there only", () => {
    const host = setOf({ node: { deny } });
    expect(onHost(host, busybox as never)).toEqual(denied);
    expect(inImage(host, busybox as never)).toEqual({ outcome: "allowed", by: "digest" });
    const image = setOf({ image: { deny } });
    expect(onHost(image, busybox as never)).toEqual({ outcome: "not-listed" });
    expect(inImage(image, busybox as never)).toEqual(denied);
  });

  it("beats a signature", () => {
    const digest = `sha256:${RSA.digest.value.toString("hex")}`;
    const set = setOf({
      files: { "rsa.pem": pem("rsa-2048") },
      image: { keyring: "rsa.pem", deny: [{ digest, reason: "old" }] },
    });
    expect(inImage(set, RSA)).toEqual({ outcome: "denied", reason: "old" });
  });

  it("is no container runtime, though it be named as one", () => {
    const runc = fileDigest(RUNC.content);
    expect(isRuntimeOf(setOf({}))(runc)).toBe(true);
    const deny = [{ digest: digestText(RUNC.content), reason: "breaks out" }];
    expect(isRuntimeOf(setOf({ documents: { "deny.json": { deny } } }))(runc)).toBe(false);
    expect(isRuntimeOf(setOf({ node: { deny } }))(runc)).toBe(false);
    expect(isRuntimeOf(setOf({ image: { deny } }))(runc)).toBe(true);
  });

  it("cannot be that of the pinned IMA policy", () => {
    const { imaPolicy } = JSON.parse(bare["node-policy.json"] ?? "") as {
      imaPolicy: { digest: string };
    };
    const deny = [{ digest: imaPolicy.digest, reason: "no" }];
    expect(problemsOf({ documents: { "deny.json": { deny } } })).toEqual([
      "node-policy.json.imaPolicy.digest is denied",
    ]);
  });

  it.each([
    [
      { deny: [{ digest: "sha256:00", reason: "x" }] },
      "deny.json.deny[0].digest must be <algorithm>:<hex>",
    ],
    [
      { deny: [{ digest: `md5:${"0".repeat(32)}`, reason: "x" }] },
      "deny.json.deny[0].digest must be <algorithm>:<hex>",
    ],
    [
      { deny: [{ digest: digestText("x") }] },
      "deny.json.deny[0].reason must be a text that is not empty",
    ],
    [
      { deny: [{ digest: digestText("x"), reason: "x", until: 1 }] },
      "deny.json.deny[0].until is unknown",
    ],
    [{ deny: {} }, "deny.json.deny must be an array"],
    [{ denied: [] }, "deny.json.denied is unknown"],
    [
      { revokedKeys: ["00"] },
      "deny.json.revokedKeys[0] must be sha256:<hex of the public key's> or id:<hex of 4 or 8 bytes>",
    ],
    [
      { revokedKeys: ["id:0000000000"] },
      "deny.json.revokedKeys[0] must be sha256:<hex of the public key's> or id:<hex of 4 or 8 bytes>",
    ],
    [[], "deny.json must be an object"],
  ])("%j is refused", (document, problem) => {
    expect(problemsOf({ documents: { "deny.json": document } })).toEqual([problem]);
  });

  it.each([
    `sha1:${"0".repeat(40)}`,
    `sha384:${"0".repeat(96)}`,
    `sha512:${"0".repeat(128)}`,
    `verity:sha256:${"0".repeat(64)}`,
  ])("may be %s", (digest) => {
    expect(problemsOf({ documents: { "deny.json": { deny: [{ digest, reason: "x" }] } } })).toEqual(
      [],
    );
  });
});

describe("a revoked key", () => {
  const { spki, keyId } = vectorKey("rsa-2048");
  const files = { "rsa.pem": pem("rsa-2048") };
  const node = { keyring: "rsa.pem" };
  const image = { keyring: "rsa.pem" };
  const revoked = { outcome: "not-listed", signature: "revoked-key" };

  it.each([`sha256:${hash("sha256", spki)}`, `id:${keyId}`])(
    "of deny.json is revoked everywhere: %s",
    (key) => {
      const documents = { "deny.json": { revokedKeys: [key] } };
      const set = setOf({ files, node, image, documents });
      expect([onHost(set, RSA), inImage(set, RSA)]).toEqual([revoked, revoked]);
    },
  );

  it("of one policy is revoked there only, and of the host's where its keyring is included", () => {
    const revokedKeys = [`id:${keyId}`];
    const ofImage = setOf({ files, node, image: { ...image, revokedKeys } });
    expect([onHost(ofImage, RSA), inImage(ofImage, RSA)]).toEqual([ALLOWED, revoked]);
    const ofHost = setOf({ files, node: { ...node, revokedKeys }, image });
    expect([onHost(ofHost, RSA), inImage(ofHost, RSA)]).toEqual([revoked, ALLOWED]);
    const included = setOf({
      files,
      node: { ...node, revokedKeys },
      image: { includeHostKeyring: true },
    });
    expect(inImage(included, RSA)).toEqual(revoked);
  });
});

function fileDigest(content: string): { algorithm: string; value: Uint8Array } {
  return { algorithm: "sha256", value: Buffer.from(digestText(content).slice(7), "hex") };
}
