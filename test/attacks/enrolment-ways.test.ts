// SPDX-License-Identifier: Apache-2.0

import { createHash, createPublicKey, randomUUID, X509Certificate } from "node:crypto";
import type { EnrolStart } from "@nsattest/protocol";
import { afterAll, beforeAll, beforeEach, describe, expect } from "vitest";
import { FakeNode } from "../../registrar/test/fake-node.ts";
import { makeFakeTpm, makeRsaKey } from "../../registrar/test/fake-tpm.ts";
import { RegistrarBench } from "../fakes/registrar-bench.ts";
import type { Answer } from "../fakes/verifier-bench.ts";
import { attack } from "./attack.ts";

const HOUR_MS = 3_600_000;
const tpm = makeFakeTpm();
const otherTpm = makeFakeTpm();
const usualKey = makeRsaKey();
const NONE = { ekCertificate: null } as const;

let bench: RegistrarBench;
beforeAll(async () => {
  bench = await RegistrarBench.start();
});
afterAll(() => bench.stop());
beforeEach(() => {
  bench.ways = { ekCertificate: null, ekHash: true, joinToken: true };
});

function newNode(id: string = randomUUID(), of = tpm): FakeNode {
  return new FakeNode(id, of, bench.vendors.ekCertificate(bench.root, of.ekKey), usualKey);
}

function ekHash({ ekKey }: typeof tpm): string {
  const spki = createPublicKey(ekKey).export({ type: "spki", format: "der" });
  return createHash("sha256").update(spki).digest("hex");
}

function hashOf(answer: Answer): string {
  const { certificate } = answer.body as { readonly certificate: string };
  return createHash("sha256").update(new X509Certificate(certificate).raw).digest("hex");
}

/** A start by a TPM that no operator has let in under any id. */
async function expectClosed(of: typeof tpm, change: Partial<EnrolStart>, code: string) {
  expect(await bench.start(newNode(randomUUID(), of), change)).toMatchObject({ status: 403, code });
}

function newToken(): string {
  return bench.order({ action: "token-create", hours: 2 }) ?? "";
}

describe("a node comes in by a way that an operator has opened", () => {
  attack(
    "enrol-way-certificate",
    "looks at no certificate where that way is closed",
    "whoever buys a TPM of any vendor that was ever trusted is a node",
    () => expectClosed(makeFakeTpm(), {}, "EK_NOT_REGISTERED"),
  );

  attack(
    "enrol-way-closed",
    "lets nobody in by a hash or an approval once that way is closed",
    "a registrar that was told to take certificates only goes on with what an operator let in before",
    async () => {
      const unchained = makeFakeTpm();
      bench.order({ action: "ek-add", ekHash: ekHash(unchained), node: null });
      bench.ways = { ekCertificate: null, ekHash: false, joinToken: true };
      await expectClosed(unchained, NONE, "EK_NOT_REGISTERED");
    },
  );

  attack(
    "enrol-way-token",
    "takes no token where that way is closed",
    "a token of last year's is a way in",
    () => {
      bench.ways = { ekCertificate: null, ekHash: true, joinToken: false };
      return expectClosed(makeFakeTpm(), { ...NONE, joinToken: newToken() }, "EK_NOT_REGISTERED");
    },
  );

  attack(
    "enrol-way-node",
    "lets an EK in under the id only that it was let in for",
    "the machine for one task becomes the node for another",
    async () => {
      bench.order({ action: "ek-add", ekHash: ekHash(tpm), node: randomUUID() });
      await expectClosed(tpm, NONE, "EK_NODE_MISMATCH");
      bench.order({ action: "ek-remove", ekHash: ekHash(tpm) });
    },
  );

  attack(
    "enrol-token-known",
    "takes no token that nobody gave out",
    "anybody writes a token, and waits for an operator who is not careful",
    () => expectClosed(tpm, { ...NONE, joinToken: "A".repeat(43) }, "JOIN_TOKEN_INVALID"),
  );

  attack(
    "enrol-token-expired",
    "takes no token after its time",
    "a token that was lost and found is a way in for ever",
    async () => {
      const joinToken = newToken();
      const then = bench.now;
      bench.now = new Date(then.getTime() + 2 * HOUR_MS);
      await expectClosed(tpm, { ...NONE, joinToken }, "JOIN_TOKEN_EXPIRED");
      bench.now = then;
    },
  );

  attack(
    "enrol-token-used",
    "takes a token from the first TPM and node that come with it",
    "who has seen a token come in by it waits beside the node that it was for",
    async () => {
      const joinToken = newToken();
      const id = randomUUID();
      const first = await bench.enrol(newNode(id), { ...NONE, joinToken });
      expect(first).toMatchObject({ status: 403, code: "ENROLMENT_UNAPPROVED" });
      await expectClosed(otherTpm, { ...NONE, joinToken }, "JOIN_TOKEN_USED");
      await expectClosed(tpm, { ...NONE, joinToken }, "JOIN_TOKEN_USED");
    },
  );

  attack(
    "enrol-token-approved",
    "certifies nobody who came with a token until an operator approves that TPM",
    "a token in the wrong hands is a node",
    async () => {
      const unchained = makeFakeTpm();
      const joinToken = newToken();
      const node = newNode(randomUUID(), unchained);
      for (let again = 0; again < 2; again++) {
        const answer = await bench.enrol(node, { ...NONE, joinToken });
        expect(answer).toMatchObject({ status: 403, code: "ENROLMENT_UNAPPROVED" });
      }
      const { nodeId } = node.start();
      expect((await bench.registration(nodeId)).status).toBe(404);
      bench.order({ action: "node-approve", ekHash: ekHash(unchained), node: nodeId });
      expect((await bench.enrol(node, NONE)).status).toBe(200);
      expect((await bench.registration(nodeId)).body).toMatchObject({ admittedBy: "join-token" });
    },
  );
});

describe("behind a node's id is one machine", () => {
  beforeEach(() => {
    bench.ways = {
      ekCertificate: { roots: [bench.root.x509], intermediates: [] },
      ekHash: false,
      joinToken: false,
    };
  });

  /** Two machines with one TPM state and one certificate have renewed it, one after the other. */
  async function clone(): Promise<{ node: FakeNode; first: string; second: string }> {
    const node = newNode();
    const common = hashOf(await bench.enrol(node));
    const first = hashOf(await bench.enrol(node, { previousCertificate: common }));
    const second = hashOf(await bench.enrol(node, { previousCertificate: common }));
    return { node, first, second };
  }

  attack(
    "enrol-cloned",
    "sees the second renewal of a copied machine",
    "a copy of a virtual machine, its TPM included, is the node as well, for as long as it likes",
    async () => {
      const { node, first } = await clone();
      const answer = await bench.enrol(node, { previousCertificate: first });
      expect(answer).toMatchObject({ status: 409, code: "NODE_CLONED" });
    },
  );

  attack(
    "enrol-cloned-for-good",
    "renews for none of two machines until an operator has looked",
    "the copy that renews last stays, and the node goes",
    async () => {
      const { node, first, second } = await clone();
      await bench.enrol(node, { previousCertificate: first });
      const answer = await bench.enrol(node, { previousCertificate: second });
      expect(answer).toMatchObject({ status: 409, code: "NODE_CLONED" });
      const { nodeId } = node.start();
      bench.order({ action: "node-replace", ekHash: ekHash(tpm), node: nodeId });
      const after = await bench.enrol(node, { previousCertificate: second });
      expect(after.status).toBe(200);
    },
  );

  attack(
    "enrol-replaced",
    "tells the verifier no key of a TPM that was replaced",
    "a machine that was sorted out goes on as the node until the new one enrols",
    async () => {
      const node = newNode();
      const { nodeId } = node.start();
      expect((await bench.enrol(node)).status).toBe(200);
      bench.order({ action: "node-replace", ekHash: ekHash(otherTpm), node: nodeId });
      expect((await bench.registration(nodeId)).status).toBe(404);
      expect(await bench.start(node)).toMatchObject({ status: 409, code: "NODE_ID_TAKEN" });
      expect((await bench.enrol(newNode(nodeId, otherTpm))).status).toBe(200);
    },
  );
});
