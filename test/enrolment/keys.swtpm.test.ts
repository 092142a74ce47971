// SPDX-License-Identifier: Apache-2.0

import { generateKeyPairSync, randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  AK_ECC_P256_TEMPLATE,
  AK_RSA_2048_TEMPLATE,
  createPrimary,
  encodePublicArea,
  Handle,
  ObjectAttribute,
  type PublicArea,
  parsePublicArea,
} from "@nsattest/tpm";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { connectSwtpm } from "../../agent/src/tpm-device/swtpm.ts";
import { badEnrolment } from "./bad-enrolment.ts";
import { Machine } from "./machine.ts";
import { OpensslWorkshop } from "./openssl-vendor.ts";
import { RegistrarProcess } from "./registrar-process.ts";

// RSA keys take seconds to make on a busy machine.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 240_000 });

const folder = mkdtempSync(join(tmpdir(), "nsattest-enrolment-"));
const workshop = new OpensslWorkshop(folder);
const tlsKey = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;
afterAll(() => rmSync(folder, { recursive: true }));

describe.each([
  { name: "RSA-2048 EK and AK", ek: "L-1", type: "rsa" },
  { name: "P-256 EK and AK", ek: "L-2", type: "ec" },
] as const)("with $name", ({ ek, type }) => {
  let machine: Machine;
  let other: Machine;
  let registrar: RegistrarProcess;

  beforeAll(async () => {
    [machine, other] = await Promise.all([
      Machine.start(folder, { ek }),
      Machine.start(folder, { ek }),
    ]);
    const roots = [machine, other].map(({ ekHash }) => ekHash);
    registrar = await RegistrarProcess.start(folder, { ways: { ekHash: true } });
    for (const ekHash of roots) registrar.order({ action: "ek-add", ekHash, node: null });
  });
  afterAll(async () => {
    await registrar.stop();
    await Promise.all([machine.close(), other.close()]);
  });

  /** The machine with another AK than its own: what it says of its own is changed. */
  function withAk(change: (area: PublicArea) => PublicArea): Promise<void> {
    const area = parsePublicArea(machine.identity().akPublic);
    const akPublic = encodePublicArea(change(area));
    return registrar.expectRefused("AK_REFUSED", randomUUID(), machine, { akPublic });
  }

  it("enrols", async () => {
    const nodeId = randomUUID();
    await registrar.enrol(nodeId, machine.home, { tpm: machine.claiming() });
    const { akPublic, admittedBy } = (await registrar.registration(nodeId)) ?? {};
    expect(akPublic).toEqual(new Uint8Array(machine.identity().akPublic));
    expect(admittedBy).toBe("ek-hash");
    const kind = parsePublicArea(machine.identity().akPublic).type;
    expect(kind).toBe(type === "rsa" ? "rsa" : "ecc");
  });

  for (const name of [
    "restricted",
    "sign",
    "fixedTPM",
    "fixedParent",
    "sensitiveDataOrigin",
  ] as const) {
    badEnrolment(`is refused for an AK without ${name}`, () =>
      withAk((area) => ({ ...area, attributes: area.attributes & ~ObjectAttribute[name] })),
    );
  }

  badEnrolment("is refused for an AK that decrypts", () =>
    withAk((area) => ({ ...area, attributes: area.attributes | ObjectAttribute.decrypt })),
  );

  badEnrolment("is refused for an AK that leaves its scheme open", () =>
    withAk((area) => ({ ...area, scheme: null })),
  );

  badEnrolment("is refused for an AK that signs SHA-1", () =>
    withAk((area) => ({ ...area, scheme: area.scheme && { ...area.scheme, hash: "sha1" } })),
  );

  badEnrolment("is refused for a key of its TPM that signs anything", async () => {
    const template = type === "rsa" ? AK_RSA_2048_TEMPLATE : AK_ECC_P256_TEMPLATE;
    const loose = Buffer.from(template);
    loose.writeUInt32BE(loose.readUInt32BE(4) & ~ObjectAttribute.restricted, 4);
    const command = createPrimary(Handle.ENDORSEMENT, loose);
    // swtpm serves one client at a time.
    const fresh = await Machine.start(folder, { ek });
    await fresh.tpm.close();
    const transport = await connectSwtpm({ path: fresh.swtpm.socketPath });
    const made = command.decode(await transport.transceive(command.bytes));
    await transport.close();
    await fresh.swtpm.close();
    const akPublic = made.publicArea;
    await registrar.expectRefused("AK_REFUSED", randomUUID(), machine, { akPublic });
  });

  badEnrolment("is refused for an EK that is none by its attributes", async () => {
    const area = parsePublicArea(machine.identity().ekPublic);
    for (const bit of Object.values(ObjectAttribute)) {
      const ekPublic = encodePublicArea({ ...area, attributes: area.attributes ^ bit });
      await registrar.expectRefused("EK_TEMPLATE", randomUUID(), machine, { ekPublic });
    }
  });

  badEnrolment("is refused with the AK of another TPM, which cannot open the secret", async () => {
    const { akPublic } = other.identity();
    const home = mkdtempSync(join(folder, "agent-"));
    const tpm = machine.claiming({ akPublic });
    await expect(registrar.enrol(randomUUID(), home, { tpm })).rejects.toMatchObject({
      code: "RESPONSE_CODE",
    });
  });

  badEnrolment("is refused with what another TPM has read from its own secret", async () => {
    const [one, two] = [randomUUID(), randomUUID()];
    const mine = await registrar.begin(machine, one, tlsKey);
    const others = await registrar.begin(other, two, tlsKey);
    await expect(other.claiming().activate(mine)).rejects.toMatchObject({ code: "RESPONSE_CODE" });
    const secret = await other.claiming().activate(others);
    await expect(registrar.end(mine.enrolmentId, secret, tlsKey)).rejects.toMatchObject({
      refusal: { code: "ENROLMENT_PROOF" },
    });
    expect(await registrar.registration(one)).toBeNull();
    await registrar.end(others.enrolmentId, secret, tlsKey);
  });

  badEnrolment("is refused with the end of another enrolment of its own", async () => {
    const first = await registrar.begin(machine, randomUUID(), tlsKey);
    const second = await registrar.begin(machine, randomUUID(), tlsKey);
    const secret = await machine.claiming().activate(first);
    await expect(registrar.end(second.enrolmentId, secret, tlsKey)).rejects.toMatchObject({
      refusal: { code: "ENROLMENT_PROOF" },
    });
  });

  badEnrolment("is refused when its end is replayed", async () => {
    const { enrolmentId, ...wrapped } = await registrar.begin(machine, randomUUID(), tlsKey);
    const secret = await machine.claiming().activate(wrapped);
    await registrar.end(enrolmentId, secret, tlsKey);
    await expect(registrar.end(enrolmentId, secret, tlsKey)).rejects.toMatchObject({
      refusal: { code: "ENROLMENT_UNKNOWN" },
    });
  });

  badEnrolment("is refused after a wrong end, even with the right secret", async () => {
    const { enrolmentId, ...wrapped } = await registrar.begin(machine, randomUUID(), tlsKey);
    const secret = await machine.claiming().activate(wrapped);
    await expect(registrar.end(enrolmentId, new Uint8Array(32), tlsKey)).rejects.toMatchObject({
      refusal: { code: "ENROLMENT_PROOF" },
    });
    await expect(registrar.end(enrolmentId, secret, tlsKey)).rejects.toMatchObject({
      refusal: { code: "ENROLMENT_UNKNOWN" },
    });
  });

  badEnrolment("is refused for another TLS key than it began with", async () => {
    const { enrolmentId, ...wrapped } = await registrar.begin(machine, randomUUID(), tlsKey);
    const secret = await machine.claiming().activate(wrapped);
    const stranger = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;
    await expect(registrar.end(enrolmentId, secret, stranger)).rejects.toMatchObject({
      refusal: { code: "ENROLMENT_PROOF" },
    });
  });
});

it("takes an AK of either type below an EK of either type's certificate by openssl", async () => {
  const root = workshop.authority("Root", { type: "ec" });
  const registrar = await RegistrarProcess.start(folder, { roots: [root.certificate] });
  for (const ek of ["H-1", "H-2", "H-3"] as const) {
    const machine = await Machine.start(folder, { ek });
    const ekCertificate = workshop.ekCertificate(root, machine.ekKey);
    const nodeId = randomUUID();
    await registrar.enrol(nodeId, machine.home, { tpm: machine.claiming({ ekCertificate }) });
    expect((await registrar.registration(nodeId))?.ekHash).toBe(machine.ekHash);
    await machine.close();
  }
  await registrar.stop();
});
