// SPDX-License-Identifier: Apache-2.0

import { createHash, createPublicKey, sign, X509Certificate } from "node:crypto";
import type { EnrolChallenge, EnrolFinish, EnrolStart } from "@nsattest/protocol";
import { ByteReader, ByteWriter } from "@nsattest/tpm";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { makeDesk, NODE_ID, NOW, vendors } from "../../test/fake-desk.ts";
import { FakeNode } from "../../test/fake-node.ts";
import { makeFakeTpm, makeRsaKey } from "../../test/fake-tpm.ts";
import type { EnrolmentDesk } from "./enrolment-desk.ts";
import { finishEnrolment } from "./finish.ts";
import { startEnrolment } from "./start.ts";

// RSA keys take seconds to make on a busy machine.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const RESTRICTED = 0x10000;
const SIGN = 0x40000;
const root = vendors.root("Root");
const tpm = makeFakeTpm();
const certificate = vendors.ekCertificate(root, tpm.ekKey);
const otherTpm = makeFakeTpm();
const otherCertificate = vendors.ekCertificate(root, otherTpm.ekKey);

let now = NOW;
let desk: EnrolmentDesk;
let node: FakeNode;

beforeEach(() => {
  now = NOW;
  desk = makeDesk({ roots: [root], now: () => now });
  node = new FakeNode(NODE_ID, tpm, certificate);
});

function enrol(who: FakeNode = node): X509Certificate {
  const challenge = startEnrolment(desk, who.start());
  return new X509Certificate(finishEnrolment(desk, who.finish(challenge)).result.certificate);
}

function ekHash(key: Parameters<typeof createPublicKey>[0]): string {
  const spki = createPublicKey(key).export({ type: "spki", format: "der" });
  return createHash("sha256").update(spki).digest("hex");
}

function code(name: string): object {
  return expect.objectContaining({ code: name });
}

describe("an enrolment", () => {
  it("ends in a certificate for the node's TLS key and a record of its AK", () => {
    const issued = enrol();
    expect(issued.publicKey.equals(createPublicKey(node.tlsKey))).toBe(true);
    expect(issued.subjectAltName).toBe(`URI:nsattest:node:${NODE_ID}`);
    expect(new Date(issued.validTo)).toEqual(new Date("2026-01-03T03:04:05Z"));
    expect(desk.store.enrolmentsOf(NODE_ID, 9)).toEqual([
      {
        id: NODE_ID,
        ekHash: ekHash(tpm.ekKey),
        admittedBy: "ek-certificate",
        akPublic: tpm.akPublic,
        enrolledAt: NOW,
      },
    ]);
  });

  it("may be repeated with another AK of the same TPM, which then is the node's", () => {
    enrol();
    const later = makeFakeTpm({ ekKey: tpm.ekKey });
    enrol(new FakeNode(NODE_ID, later, certificate));
    const aks = desk.store.enrolmentsOf(NODE_ID, 9).map(({ akPublic }) => akPublic);
    expect(aks).toEqual([later.akPublic, tpm.akPublic]);
  });

  it("may use the hash of the EK as id, but not of another EK", () => {
    enrol(new FakeNode(ekHash(tpm.ekKey), tpm, certificate));
    const stolen = new FakeNode(ekHash(otherTpm.ekKey), tpm, certificate);
    expect(() => startEnrolment(desk, stolen.start())).toThrow(code("NODE_ID_TAKEN"));
  });

  it("gives every start its own secret", () => {
    const [one, two] = [1, 2].map(() => startEnrolment(desk, node.start()));
    if (!one || !two) throw new Error("two starts");
    expect(tpm.activate(one)).not.toEqual(tpm.activate(two));
    expect(one.enrolmentId).not.toBe(two.enrolmentId);
  });
});

describe("a start", () => {
  function refused(changes: Partial<EnrolStart>, name: string): void {
    expect(() => startEnrolment(desk, { ...node.start(), ...changes })).toThrow(code(name));
  }

  it("is refused without any root", () => {
    desk = makeDesk({ roots: [] });
    refused({}, "EK_NO_ROOTS");
  });

  it("is refused for a TPM of another vendor", () => {
    desk = makeDesk({ roots: [vendors.root("Other")] });
    refused({}, "EK_CERT_UNKNOWN_ISSUER");
  });

  it("is refused with the certificate of another TPM", () => {
    refused({ ekCertificate: otherCertificate }, "EK_CERT_KEY_MISMATCH");
  });

  it("is refused when the EK certificate is expired by our clock", () => {
    now = new Date("2027-01-01T00:00:00Z");
    refused({}, "EK_ISSUER_EXPIRED");
    const longRoot = vendors.root("Long", { notAfter: new Date("2030-01-01T00:00:00Z") });
    desk = makeDesk({ roots: [longRoot], now: () => now });
    refused({ ekCertificate: vendors.ekCertificate(longRoot, tpm.ekKey) }, "EK_CERT_EXPIRED");
  });

  it.each([
    ["not restricted", RESTRICTED],
    ["of a key that signs", SIGN],
    ["of a key that can leave its TPM", 2],
  ])("is refused with an EK area %s", (_, bit) => {
    const reader = new ByteReader(tpm.ekPublic);
    const writer = new ByteWriter().bytes(reader.bytes(4)).u32(reader.u32() ^ bit);
    refused({ ekPublic: writer.bytes(reader.rest).finish() }, "EK_TEMPLATE");
  });

  it("is refused with bytes that are no EK, or an EK and more", () => {
    refused({ ekPublic: new Uint8Array([1]) }, "EK_TEMPLATE");
    refused({ ekPublic: Buffer.concat([tpm.ekPublic, Buffer.alloc(1)]) }, "EK_TEMPLATE");
    refused({ ekPublic: tpm.akPublic }, "EK_TEMPLATE");
  });

  it("is refused for an AK that signs whatever it is given", () => {
    const open = makeFakeTpm({
      ekKey: tpm.ekKey,
      changeAk: (area) => ({ ...area, attributes: area.attributes & ~RESTRICTED }),
    });
    refused({ akPublic: open.akPublic }, "AK_REFUSED");
    refused({ akPublic: tpm.ekPublic }, "AK_REFUSED");
    refused({ akPublic: new Uint8Array(10) }, "AK_REFUSED");
  });

  it("is refused for a TLS key that cannot be certified", () => {
    refused({ tlsKey: new Uint8Array(10) }, "TLS_KEY_UNSUPPORTED");
  });

  it("is refused for an id that belongs to another TPM", () => {
    enrol();
    const intruder = new FakeNode(NODE_ID, otherTpm, otherCertificate);
    expect(() => startEnrolment(desk, intruder.start())).toThrow(code("NODE_ID_TAKEN"));
  });
});

describe("a finish", () => {
  let challenge: EnrolChallenge;
  let good: EnrolFinish;

  beforeEach(() => {
    challenge = startEnrolment(desk, node.start());
    good = node.finish(challenge);
  });

  function refused(request: EnrolFinish, name: string): void {
    expect(() => finishEnrolment(desk, request)).toThrow(code(name));
    expect(desk.store.enrolmentsOf(NODE_ID, 9)).toEqual([]);
  }

  it("cannot be made by another TPM, nor by the same one with another AK", () => {
    expect(() => otherTpm.activate(challenge)).toThrow();
    expect(() => makeFakeTpm({ ekKey: tpm.ekKey }).activate(challenge)).toThrow();
  });

  it("is refused with the secret of another enrolment, and needs a new start then", () => {
    const other = node.finish(startEnrolment(desk, node.start()));
    refused({ ...good, proof: other.proof }, "ENROLMENT_PROOF");
    refused(good, "ENROLMENT_UNKNOWN");
  });

  it("is refused for another TLS key than that of the start", () => {
    const thief = new FakeNode(NODE_ID, tpm, certificate);
    refused(thief.finish(challenge), "ENROLMENT_PROOF");
  });

  it("is refused to who does not hold the TLS key", () => {
    const possession = sign("sha256", Buffer.from(challenge.enrolmentId), makeRsaKey());
    refused({ ...good, possession }, "ENROLMENT_POSSESSION");
  });

  it("is refused with a signature over something else", () => {
    const possession = sign("sha256", Buffer.from("another"), node.tlsKey);
    refused({ ...good, possession }, "ENROLMENT_POSSESSION");
  });

  it.each([0, 31, 33])("is refused with a proof of %i bytes", (size) => {
    refused({ ...good, proof: new Uint8Array(size) }, "ENROLMENT_PROOF");
  });

  it("is refused the second time", () => {
    finishEnrolment(desk, good);
    expect(() => finishEnrolment(desk, good)).toThrow(code("ENROLMENT_UNKNOWN"));
    expect(desk.store.enrolmentsOf(NODE_ID, 9)).toHaveLength(1);
  });

  it("is refused when it comes too late", () => {
    now = new Date(NOW.getTime() + 120_000);
    refused(good, "ENROLMENT_EXPIRED");
  });

  it("is refused when another TPM took the id in the meantime", () => {
    const rival = new FakeNode(NODE_ID, otherTpm, otherCertificate);
    enrol(rival);
    expect(() => finishEnrolment(desk, good)).toThrow(code("NODE_ID_TAKEN"));
    expect(desk.store.ekHashOf(NODE_ID)).toBe(ekHash(otherTpm.ekKey));
  });
});
