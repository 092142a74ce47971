// SPDX-License-Identifier: Apache-2.0

import { createHash, createPublicKey, randomUUID, sign } from "node:crypto";
import { enrolmentProof } from "@nsattest/protocol";
import { ByteReader, ByteWriter, ObjectAttribute, type PublicArea } from "@nsattest/tpm";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { FakeNode } from "../../registrar/test/fake-node.ts";
import { makeFakeTpm, makeRsaKey } from "../../registrar/test/fake-tpm.ts";
import { RegistrarBench } from "../fakes/registrar-bench.ts";
import { attack } from "./attack.ts";

let bench: RegistrarBench;
beforeAll(async () => {
  bench = await RegistrarBench.start();
});
afterAll(() => bench.stop());

const tpm = makeFakeTpm();
const otherTpm = makeFakeTpm();

/** Keys take long to make: nodes have one of their own only where that matters. */
const usualKey = makeRsaKey();

/** A node with the given TPM, whose EK the trusted vendor has certified. */
function newNode(id: string = randomUUID(), of = tpm, tlsKey = usualKey): FakeNode {
  return new FakeNode(id, of, bench.vendors.ekCertificate(bench.root, of.ekKey), tlsKey);
}

function ekHash({ ekKey }: typeof tpm): string {
  const spki = createPublicKey(ekKey).export({ type: "spki", format: "der" });
  return createHash("sha256").update(spki).digest("hex");
}

async function expectStartRefused(
  change: Parameters<RegistrarBench["start"]>[1],
  code: string,
): Promise<void> {
  expect(await bench.start(newNode(), change)).toMatchObject({ status: 403, code });
}

/** A node whose AK is another than it should be; nothing else is wrong. */
function withAk(changeAk: (area: PublicArea) => PublicArea): Promise<void> {
  const changed = makeFakeTpm({ ekKey: tpm.ekKey, changeAk });
  return expectStartRefused({ akPublic: changed.akPublic }, "AK_REFUSED");
}

function without(bit: keyof typeof ObjectAttribute): Promise<void> {
  return withAk((area) => ({ ...area, attributes: area.attributes & ~ObjectAttribute[bit] }));
}

describe("a node's key is one of a real TPM", () => {
  attack(
    "enrol-ek-template",
    "refuses an EK area with other attributes or algorithms than the certified one",
    "the sender chooses the algorithms that wrap the secret, and opens it without the TPM",
    async () => {
      for (const bit of [ObjectAttribute.restricted, ObjectAttribute.sign]) {
        const reader = new ByteReader(tpm.ekPublic);
        const writer = new ByteWriter().bytes(reader.bytes(4)).u32(reader.u32() ^ bit);
        await expectStartRefused({ ekPublic: writer.bytes(reader.rest).finish() }, "EK_TEMPLATE");
      }
    },
  );

  attack(
    "key-restricted",
    "refuses an AK that signs whatever it is given",
    "root on the node has the TPM sign a quote that root has written",
    () => without("restricted"),
  );

  attack(
    "key-fixed-tpm",
    "refuses an AK that can leave its TPM",
    "the key is copied, and quotes are made wherever the copy is",
    () => without("fixedTPM"),
  );

  attack(
    "key-fixed-parent",
    "refuses an AK that can be moved under another parent",
    "the same by way of a parent that can be duplicated",
    () => without("fixedParent"),
  );

  attack(
    "key-origin",
    "refuses an AK that was loaded into its TPM",
    "whoever made the key outside has it still",
    () => without("sensitiveDataOrigin"),
  );

  attack(
    "key-signs",
    "refuses an AK that does not sign",
    "a key that is none is pinned, and nobody else can enrol the node",
    () => without("sign"),
  );

  attack(
    "key-decrypts",
    "refuses an AK that decrypts as well",
    "what the key decrypts looks like what it signs, and a TPM with such a key is none of the standard's",
    () => withAk((area) => ({ ...area, attributes: area.attributes | ObjectAttribute.decrypt })),
  );

  attack(
    "key-scheme",
    "refuses an AK that leaves open how it signs",
    "whoever asks for a quote chooses SHA-1 for it",
    () => withAk((area) => ({ ...area, scheme: null })),
  );

  attack(
    "key-sha1",
    "refuses an AK that signs SHA-1, and one whose name is a SHA-1",
    "two quotes, or two keys, with one SHA-1",
    async () => {
      await withAk((area) => ({ ...area, scheme: { name: "rsassa", hash: "sha1" } }));
      await withAk((area) => ({ ...area, nameAlg: "sha1" }));
    },
  );

  attack(
    "enrol-ak-bound",
    "gives the secret to no other AK of the same TPM",
    "a key made in software enrols beside a real TPM's EK, and quotes what it likes",
    async () => {
      const software = makeFakeTpm();
      const answer = await bench.start(newNode(), { akPublic: software.akPublic });
      expect(answer.status).toBe(200);
      const { credentialBlob, secret } = answer.body as Record<string, string>;
      const wrapped = {
        credentialBlob: Buffer.from(credentialBlob ?? "", "base64"),
        secret: Buffer.from(secret ?? "", "base64"),
      };
      expect(() => tpm.activate(wrapped)).toThrow("TPM_RC_INTEGRITY");
      expect(tpm.activate(await bench.challenge(newNode()))).toHaveLength(32);
    },
  );
});

describe("a node's id is its TPM's", () => {
  attack(
    "enrol-id-taken",
    "refuses an id that belongs to another TPM",
    "a machine of the attacker's becomes the node that everybody trusts",
    async () => {
      const id = randomUUID();
      expect((await bench.enrol(newNode(id))).status).toBe(200);
      const answer = await bench.start(newNode(id, otherTpm));
      expect(answer).toMatchObject({ status: 409, code: "NODE_ID_TAKEN" });
    },
  );

  attack(
    "enrol-id-hash",
    "refuses an id that is the hash of another EK",
    "the node whose name is its TPM is taken before it enrols for the first time",
    async () => {
      const answer = await bench.start(newNode(ekHash(otherTpm)));
      expect(answer).toMatchObject({ status: 409, code: "NODE_ID_TAKEN" });
    },
  );

  attack(
    "enrol-id-race",
    "gives an id to the first of two that enrol at once",
    "who starts at the same time as a new node, and ends later, has its id",
    async () => {
      const id = randomUUID();
      const [first, second] = [newNode(id), newNode(id, otherTpm)];
      const challenges = [await bench.challenge(first), await bench.challenge(second)] as const;
      expect((await bench.finish(first.finish(challenges[0]))).status).toBe(200);
      expect(await bench.finish(second.finish(challenges[1]))).toMatchObject({
        status: 409,
        code: "NODE_ID_TAKEN",
      });
      const { body } = await bench.registration(id);
      expect(body).toMatchObject({ ekHash: ekHash(tpm) });
    },
  );
});

describe("who ends an enrolment has begun it", () => {
  attack(
    "enrol-proof",
    "refuses who has not read the secret",
    "anybody enrols with the certificate of somebody else's TPM",
    async () => {
      const node = newNode();
      const { enrolmentId } = await bench.challenge(node);
      const answer = await bench.finish({
        enrolmentId,
        proof: enrolmentProof(new Uint8Array(32), node.spki),
        possession: sign("sha256", Buffer.from(enrolmentId), node.tlsKey),
      });
      expect(answer).toMatchObject({ status: 403, code: "ENROLMENT_PROOF" });
    },
  );

  attack(
    "enrol-proof",
    "refuses the secret for another TLS key than that of the start",
    "who stands between node and registrar has his own key certified with the node's TPM",
    async () => {
      const id = randomUUID();
      const challenge = await bench.challenge(newNode(id));
      expect(await bench.finish(newNode(id, tpm, makeRsaKey()).finish(challenge))).toMatchObject({
        status: 403,
        code: "ENROLMENT_PROOF",
      });
    },
  );

  attack(
    "enrol-possession",
    "refuses who does not hold the TLS key",
    "the key of another service is certified as a node's, and its messages are the node's",
    async () => {
      const node = newNode();
      const challenge = await bench.challenge(node);
      for (const [text, key] of [
        [challenge.enrolmentId, makeRsaKey()],
        ["another", node.tlsKey],
      ] as const) {
        const possession = sign("sha256", Buffer.from(text), key);
        const again = text === "another" ? await bench.challenge(node) : challenge;
        expect(await bench.finish({ ...node.finish(again), possession })).toMatchObject({
          status: 403,
          code: "ENROLMENT_POSSESSION",
        });
      }
    },
  );

  attack(
    "enrol-known",
    "refuses to end what nobody has begun",
    "an end without a start is that of somebody else's enrolment",
    async () => {
      const node = newNode();
      const good = node.finish(await bench.challenge(node));
      expect(await bench.finish({ ...good, enrolmentId: "A".repeat(22) })).toMatchObject({
        status: 410,
        code: "ENROLMENT_UNKNOWN",
      });
    },
  );

  attack(
    "enrol-once",
    "refuses the same end twice, and a second guess",
    "a secret can be guessed until it is found, and what was recorded enrols again",
    async () => {
      const node = newNode();
      const good = node.finish(await bench.challenge(node));
      const wrong = await bench.finish({ ...good, proof: new Uint8Array(32) });
      expect(wrong).toMatchObject({ status: 403, code: "ENROLMENT_PROOF" });
      const again = await bench.finish(good);
      expect(again).toMatchObject({ status: 410, code: "ENROLMENT_UNKNOWN" });
    },
  );

  attack(
    "enrol-expired",
    "refuses an end that comes too late",
    "a secret that leaked long ago is as good as a fresh one",
    async () => {
      const node = newNode();
      const good = node.finish(await bench.challenge(node));
      const then = bench.now;
      bench.now = new Date(then.getTime() + 120_000);
      expect(await bench.finish(good)).toMatchObject({ status: 410, code: "ENROLMENT_EXPIRED" });
      bench.now = then;
    },
  );

  attack(
    "enrol-flood",
    "lets one EK push out none but its own enrolments",
    "whoever has seen an EK certificate keeps the registrar from enrolling anybody",
    async () => {
      const node = newNode();
      const first = node.finish(await bench.challenge(node));
      for (let count = 0; count < 4; count++) await bench.challenge(node);
      expect(await bench.finish(first)).toMatchObject({ status: 410, code: "ENROLMENT_UNKNOWN" });
    },
  );
});
