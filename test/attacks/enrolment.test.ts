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
    "enrol-roots",
    "enrols nobody where no root is configured",
    "a registrar whose roots were not delivered takes every program for a TPM",
    async () => {
      const rootless = await RegistrarBench.start(() => []);
      try {
        const node = new FakeNode(
          randomUUID(),
          tpm,
          rootless.vendors.ekCertificate(rootless.root, tpm.ekKey),
        );
        expect(await rootless.start(node)).toMatchObject({ status: 403, code: "EK_NO_ROOTS" });
      } finally {
        await rootless.stop();
      }
    },
  );

  attack(
    "enrol-issuer",
    "refuses an EK that nobody configured vouches for",
    "whoever makes a root of his own makes TPMs, in software",
    () => {
      const stranger = bench.vendors.root("Stranger");
      const ekCertificate = bench.vendors.ekCertificate(stranger, tpm.ekKey);
      return expectStartRefused({ ekCertificate }, "EK_CERT_UNKNOWN_ISSUER");
    },
  );

  attack(
    "enrol-issuer-signature",
    "refuses an EK certificate of an impostor with the vendor's name",
    "the vendor's name is all that it takes to be one",
    () => {
      // The vendor's own certificate, and a key of the impostor's.
      const impostor = { ...bench.root, key: makeRsaKey() };
      const ekCertificate = bench.vendors.ekCertificate(impostor, tpm.ekKey);
      return expectStartRefused({ ekCertificate }, "EK_CERT_SIGNATURE");
    },
  );

  attack(
    "enrol-ek-usage",
    "refuses a certificate of the vendor's that is not one of an EK",
    "the key of a web server that the vendor has certified opens the secret, outside of any TPM",
    async () => {
      for (const usages of [["serverAuth"], []]) {
        const ekCertificate = bench.vendors.ekCertificate(bench.root, tpm.ekKey, { usages });
        await expectStartRefused({ ekCertificate }, "EK_CERT_USAGE");
      }
    },
  );

  attack(
    "enrol-ek-key-usage",
    "refuses a certificate whose key is for signing, or for nothing that it says",
    "a key that its vendor has certified for something else opens the secret",
    async () => {
      for (const keyUsages of [["digitalSignature"], ["keyAgreement"], []]) {
        const ekCertificate = bench.vendors.ekCertificate(bench.root, tpm.ekKey, { keyUsages });
        await expectStartRefused({ ekCertificate }, "EK_CERT_USAGE");
      }
    },
  );

  attack(
    "enrol-critical",
    "refuses an EK certificate with a critical extension that is not understood",
    "what the vendor has said of the key, such as where it may not be used, is passed over",
    () => {
      const critical = ["1.2.3.4"];
      const ekCertificate = bench.vendors.ekCertificate(bench.root, tpm.ekKey, { critical });
      return expectStartRefused({ ekCertificate }, "EK_CERT_EXTENSION");
    },
  );

  attack(
    "enrol-issuer-critical",
    "refuses an authority with a critical extension that is not understood",
    "an authority that is limited to names of its own certifies TPMs of any maker",
    () => {
      const limited = bench.vendors.intermediate(bench.root, "Limited", {
        critical: ["1.2.3.4"],
      });
      const ekCertificate = bench.vendors.ekCertificate(limited, tpm.ekKey);
      return expectStartRefused({ ekCertificate, ekChain: limited.x509.raw }, "EK_CERT_EXTENSION");
    },
  );

  attack(
    "enrol-path-length",
    "refuses an authority below one that may have none",
    "whoever has an authority of the vendor's for one purpose makes authorities for TPMs",
    () => {
      const last = bench.vendors.intermediate(bench.root, "Last", { pathLength: 0 });
      const below = bench.vendors.intermediate(last, "Below");
      const ekCertificate = bench.vendors.ekCertificate(below, tpm.ekKey);
      const ekChain = Buffer.concat([last.x509.raw, below.x509.raw]);
      return expectStartRefused({ ekCertificate, ekChain }, "EK_ISSUER_PATH_LENGTH");
    },
  );

  attack(
    "enrol-issuer",
    "takes no root from the node",
    "the node brings its own vendor along",
    () => {
      const stranger = bench.vendors.root("Stranger");
      const ekCertificate = bench.vendors.ekCertificate(stranger, tpm.ekKey);
      const ekChain = stranger.x509.raw;
      return expectStartRefused({ ekCertificate, ekChain }, "EK_CERT_UNKNOWN_ISSUER");
    },
  );

  attack(
    "enrol-ek-expired",
    "refuses an EK certificate that is no longer valid",
    "a TPM that the vendor vouches for no longer, for its keys are known, enrols all the same",
    () => {
      const notAfter = new Date(bench.now.getTime() - 1000);
      const ekCertificate = bench.vendors.ekCertificate(bench.root, tpm.ekKey, { notAfter });
      return expectStartRefused({ ekCertificate }, "EK_CERT_EXPIRED");
    },
  );

  attack(
    "enrol-issuer-expired",
    "refuses an EK whose vendor's own certificate is no longer valid",
    "a vendor's old key, once it is broken, makes TPMs for ever",
    async () => {
      const then = bench.now;
      bench.now = new Date(then.getTime() + 200 * 86_400_000);
      const notAfter = new Date(bench.now.getTime() + 86_400_000);
      const ekCertificate = bench.vendors.ekCertificate(bench.root, tpm.ekKey, { notAfter });
      await expectStartRefused({ ekCertificate }, "EK_ISSUER_EXPIRED");
      bench.now = then;
    },
  );

  attack(
    "enrol-ek-key",
    "refuses the EK certificate of another TPM",
    "EK certificates are no secrets: anybody shows one, with a key of his own beside it",
    () => {
      const ekCertificate = bench.vendors.ekCertificate(bench.root, otherTpm.ekKey);
      return expectStartRefused({ ekCertificate }, "EK_CERT_KEY_MISMATCH");
    },
  );

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
