// SPDX-License-Identifier: Apache-2.0

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type FakeFile, type FakeNode, IMAGE } from "../fakes/fake-node.ts";
import { FakeSigner } from "../fakes/fake-signer.ts";
import {
  BUSYBOX,
  codesOf,
  digestText,
  namespaceOf,
  policyDocuments,
  VerifierBench,
} from "../fakes/verifier-bench.ts";
import { attack } from "./attack.ts";

const vendor = new FakeSigner();
const retired = new FakeSigner();
const stolen = new FakeSigner();
const hosts = new FakeSigner();
const stranger = new FakeSigner();

/** Nobody lists it: only a signature can allow it. */
const TOOL: FakeFile = { path: "/opt/tool", content: "a tool" };
const DENIED: FakeFile = { path: "/opt/old", content: "signed, and known to be bad" };

const NODE_POLICY = JSON.parse(policyDocuments().get("node-policy.json") ?? "{}") as object;
const POLICIES = {
  "node-policy.json": { ...NODE_POLICY, keyring: ["host.pem"] },
  "namespace-policies.json": {
    policies: [
      {
        image: IMAGE,
        runtimePolicy: "busybox.json",
        keyring: ["vendor.pem"],
        revokedKeys: [`id:${retired.keyId}`, `sha256:${stolen.fingerprint}`],
      },
    ],
  },
  "deny.json": { deny: [{ digest: digestText(DENIED.content), reason: "CVE-2026-1" }] },
  "vendor.pem": vendor.pem + retired.pem + stolen.pem,
  "host.pem": hosts.pem,
};

let bench: VerifierBench;
beforeAll(async () => {
  bench = await VerifierBench.start({ policies: POLICIES });
});
afterAll(() => bench.stop());

function execute(node: FakeNode, ns: string, file: FakeFile, signature: Uint8Array | null): void {
  node.execute(ns, file);
  node.claim(ns, node.measure(file, { signature }));
}

/** What is thought of a container that has executed `file`, which IMA lists with `signature`. */
async function verdictOf(file: FakeFile, signature: Uint8Array | null): Promise<readonly string[]> {
  const node = bench.newNode();
  execute(node, node.open("signed"), file, signature);
  node.mark();
  node.mark();
  expect(await bench.attest(node)).toMatchObject({ status: 200, body: { host: "affirming" } });
  const { verdict } = namespaceOf(await bench.report(node), "signed");
  return [verdict.tier, ...codesOf(verdict)];
}

async function expectSignatureRefused(
  signature: Uint8Array | null,
  code: string,
  file: FakeFile = TOOL,
): Promise<void> {
  expect(await verdictOf(file, signature)).toEqual(["contraindicated", code]);
}

describe("a signature allows what a key of the namespace has signed", () => {
  it("and nothing more is needed", async () => {
    expect(await verdictOf(TOOL, vendor.sign(TOOL.content))).toEqual(["affirming"]);
    const v3 = vendor.sign(TOOL.content, { version: 3 });
    expect(await verdictOf(TOOL, v3)).toEqual(["affirming"]);
  });

  attack(
    "signature-made",
    "refuses the signature of another file",
    "one signed file is enough: its signature is copied to whatever is to run",
    () => expectSignatureRefused(vendor.sign("another tool"), "SIGNATURE_INVALID"),
  );

  attack(
    "signature-made",
    "refuses a signature by another key under the id of a good one",
    "ids have 32 bits, so a key with the id of a good one is found in an afternoon",
    () => {
      const signature = stranger.sign(TOOL.content, { keyId: vendor.keyId });
      return expectSignatureRefused(signature, "SIGNATURE_INVALID");
    },
  );

  attack(
    "signature-made",
    "refuses a signature whose version was changed",
    "a signature over a few chosen bytes is one over the content that has them as its digest",
    async () => {
      for (const [from, to] of [
        [2, 3],
        [3, 2],
      ] as const) {
        const signature = new Uint8Array(vendor.sign(TOOL.content, { version: from }));
        signature[1] = to;
        await expectSignatureRefused(signature, "SIGNATURE_INVALID");
      }
    },
  );

  attack(
    "signature-key",
    "refuses a signature by a key that the namespace does not have",
    "whoever can make a key signs what he likes",
    () => expectSignatureRefused(stranger.sign(TOOL.content), "SIGNATURE_KEY_UNKNOWN"),
  );

  attack(
    "signature-host-key",
    "refuses a signature by the host's key in a namespace without it",
    "everything that may run on the host may run in every container: compilers, debuggers, the runtime",
    () => expectSignatureRefused(hosts.sign(TOOL.content), "SIGNATURE_KEY_UNKNOWN"),
  );

  attack(
    "signature-revoked-id",
    "refuses a key that was revoked by its id",
    "a key that leaked signs on",
    () => expectSignatureRefused(retired.sign(TOOL.content), "SIGNATURE_KEY_REVOKED"),
  );

  attack(
    "signature-revoked",
    "refuses a key that was revoked by its fingerprint",
    "the same, under another id",
    () => expectSignatureRefused(stolen.sign(TOOL.content), "SIGNATURE_KEY_REVOKED"),
  );

  attack(
    "signature-evm",
    "refuses a signature of EVM's for one of IMA's",
    "what was signed as owner and mode of a file stands for the content of one",
    () => expectSignatureRefused(vendor.sign(TOOL.content, { kind: "evm" }), "SIGNATURE_INVALID"),
  );

  attack(
    "signature-verity",
    "refuses a signature over an fs-verity digest for one over a content",
    "the root of a hash tree that somebody signed is the digest of a file that somebody else made",
    () => {
      const signature = vendor.sign(TOOL.content, { version: 3, kind: "verity" });
      return expectSignatureRefused(signature, "SIGNATURE_INVALID");
    },
  );

  attack(
    "signature-hash",
    "refuses a signature whose header names SHA-1",
    "two files with one SHA-1, of which the vendor signs the harmless one",
    () => expectSignatureRefused(vendor.sign(TOOL.content, { hash: "sha1" }), "SIGNATURE_INVALID"),
  );
});

describe("what a signature does not change", () => {
  attack(
    "policy-denied",
    "refuses a denied digest, signed or listed",
    "a program that is known to be broken runs on, for its old signature is good for ever",
    () => expectSignatureRefused(vendor.sign(DENIED.content), "DENIED_DIGEST", DENIED),
  );

  attack(
    "policy-listed",
    "refuses another content under a listed path, though it is signed",
    "the version of yesterday, signed and vulnerable, is put back in the place of the listed one",
    () => {
      const old = { path: BUSYBOX.path, content: "an older version" };
      return expectSignatureRefused(vendor.sign(old.content), "DIGEST_MISMATCH", old);
    },
  );

  attack(
    "signature-wait",
    "waits for a signature for two marks, not longer",
    "what runs without a signature is never judged, for one might still come",
    () => expectSignatureRefused(null, "NOT_IN_ALLOWLIST"),
  );

  attack(
    "signature-pending",
    "affirms nothing while a signature may still come",
    "each container has a round of grace in which it may run anything",
    async () => {
      const node = bench.newNode();
      const ns = node.open("early");
      node.execute(ns, TOOL);
      node.mark();
      await bench.attest(node);
      const { verdict } = namespaceOf(await bench.report(node), "early");
      expect([verdict.tier, ...codesOf(verdict)]).toEqual(["none", "SIGNATURE_PENDING"]);
    },
  );
});
