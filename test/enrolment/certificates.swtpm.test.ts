// SPDX-License-Identifier: Apache-2.0

import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { badEnrolment } from "./bad-enrolment.ts";
import { Machine } from "./machine.ts";
import { type EkOptions, type OpensslVendor, OpensslWorkshop } from "./openssl-vendor.ts";
import { RegistrarProcess } from "./registrar-process.ts";

// RSA keys take seconds to make on a busy machine.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 240_000 });

const DAY_MS = 86_400_000;
const folder = mkdtempSync(join(tmpdir(), "nsattest-enrolment-"));
const workshop = new OpensslWorkshop(folder);
afterAll(() => rmSync(folder, { recursive: true }));

describe.each([
  { name: "RSA-2048", ek: "L-1", type: "rsa" },
  { name: "P-256", ek: "L-2", type: "ec" },
] as const)("with an EK of $name and a vendor's keys of that type", ({ ek, type }) => {
  let machine: Machine;
  let other: Machine;
  let registrar: RegistrarProcess;
  let root: OpensslVendor;
  let middle: OpensslVendor;

  beforeAll(async () => {
    [machine, other] = await Promise.all([
      Machine.start(folder, { ek }),
      Machine.start(folder, { ek }),
    ]);
    root = workshop.oldAuthority("Root", type);
    middle = workshop.authority("Middle", { type, days: 2 }, root);
    registrar = await RegistrarProcess.start(folder, { roots: [root.certificate] });
  });
  afterAll(async () => {
    await registrar.stop();
    await Promise.all([machine.close(), other.close()]);
  });
  beforeEach(() => {
    registrar.now = () => new Date();
  });

  function certificate(options: EkOptions = {}, issuer = root): Buffer {
    return workshop.ekCertificate(issuer, machine.ekKey, options);
  }

  async function refuse(
    code: string,
    ekCertificate: Uint8Array,
    ekChain: Uint8Array = new Uint8Array(0),
  ): Promise<void> {
    await registrar.expectRefused(code, randomUUID(), machine, { ekCertificate, ekChain });
  }

  async function accept(
    ekCertificate: Uint8Array,
    ekChain: Uint8Array = new Uint8Array(0),
  ): Promise<void> {
    const nodeId = randomUUID();
    const home = mkdtempSync(join(folder, "agent-"));
    await registrar.enrol(nodeId, home, { tpm: machine.claiming({ ekCertificate, ekChain }) });
    expect(await registrar.registration(nodeId)).toMatchObject({
      admittedBy: "ek-certificate",
      ekHash: machine.ekHash,
    });
  }

  it("enrols by a root, and by an intermediate that the TPM brings along", async () => {
    await accept(certificate());
    await accept(certificate({}, middle), middle.der);
  });

  badEnrolment("is refused when its certificate is expired", async () => {
    const ekCertificate = certificate({ days: 1 });
    registrar.now = () => new Date(Date.now() + 2 * DAY_MS);
    await refuse("EK_CERT_EXPIRED", ekCertificate);
  });

  badEnrolment("is refused when its certificate is not yet valid", async () => {
    const ekCertificate = certificate();
    // The registrar's own authority begins an hour before it was made, openssl's certificates do not.
    registrar.now = () => new Date(Date.now() - 1_800_000);
    await refuse("EK_CERT_NOT_YET_VALID", ekCertificate);
    await refuse("EK_ISSUER_NOT_YET_VALID", certificate({}, middle), middle.der);
  });

  badEnrolment("is refused when an issuer is expired", async () => {
    const ekCertificate = certificate({}, middle);
    registrar.now = () => new Date(Date.now() + 3 * DAY_MS);
    await refuse("EK_ISSUER_EXPIRED", ekCertificate, middle.der);
  });

  badEnrolment("is refused when its key usage is another one", async () => {
    await refuse("EK_CERT_USAGE", certificate({ keyUsage: "digitalSignature" }));
    const swapped = type === "rsa" ? "keyAgreement" : "keyEncipherment";
    await refuse("EK_CERT_USAGE", certificate({ keyUsage: swapped }));
  });

  badEnrolment("is refused when its extended key usage is another one", () =>
    refuse("EK_CERT_USAGE", certificate({ extendedKeyUsage: "serverAuth" })),
  );

  badEnrolment("is refused when it is one of an authority", () => {
    const keyUsage = type === "rsa" ? "keyCertSign,keyEncipherment" : "keyCertSign,keyAgreement";
    return refuse("EK_CERT_USAGE", certificate({ keyUsage, basicConstraints: "CA:TRUE" }));
  });

  badEnrolment("is refused with a critical extension that nobody knows", () =>
    refuse("EK_CERT_EXTENSION", certificate({ extensions: ["1.2.3.4=critical,ASN1:NULL"] })),
  );

  badEnrolment("is refused with an issuer that has one", () => {
    const extensions = ["nameConstraints=critical,permitted;DNS:example.com"];
    const limited = workshop.authority("Limited", { type, extensions }, root);
    return refuse("EK_CERT_EXTENSION", certificate({}, limited), limited.der);
  });

  badEnrolment("is refused when nobody configured is its root", () => {
    const stranger = workshop.authority("Stranger", { type });
    return refuse("EK_CERT_UNKNOWN_ISSUER", certificate({}, stranger), stranger.der);
  });

  badEnrolment("is refused when the root has signed it under another name", () => {
    const renamed = workshop.authority("Renamed", { type, keyFile: root.keyFile });
    return refuse("EK_CERT_UNKNOWN_ISSUER", certificate({}, renamed));
  });

  badEnrolment("is refused when an impostor has signed it under the root's name", () => {
    const impostor = workshop.authority("Root", { type });
    const extensions = ["authorityKeyIdentifier=none"];
    return refuse("EK_CERT_SIGNATURE", certificate({ extensions }, impostor));
  });

  badEnrolment("is refused when an intermediate is missing", () =>
    refuse("EK_CERT_UNKNOWN_ISSUER", certificate({}, middle)),
  );

  badEnrolment(
    "is refused when its issuer is no authority, or may not sign certificates",
    async () => {
      const basicConstraints = "critical,CA:FALSE";
      const plain = workshop.authority("Plain", { type, basicConstraints }, root);
      await refuse("EK_ISSUER_NOT_CA", certificate({}, plain), plain.der);
      const signer = workshop.authority("Signer", { type, keyUsage: "critical,cRLSign" }, root);
      await refuse("EK_ISSUER_NOT_CA", certificate({}, signer), signer.der);
    },
  );

  badEnrolment("is refused when an authority is where none may be", () => {
    const basicConstraints = "critical,CA:TRUE,pathlen:0";
    const last = workshop.authority("Last", { type, basicConstraints }, root);
    const below = workshop.authority("Below", { type }, last);
    const chain = Buffer.concat([last.der, below.der]);
    return refuse("EK_ISSUER_PATH_LENGTH", certificate({}, below), chain);
  });

  badEnrolment("is refused with the certificate of another TPM", () =>
    refuse("EK_CERT_KEY_MISMATCH", workshop.ekCertificate(root, other.ekKey)),
  );

  badEnrolment("is refused when its certificate was changed", () => {
    const changed = certificate();
    changed.writeUInt8(changed.readUInt8(changed.length - 1) ^ 1, changed.length - 1);
    return refuse("EK_CERT_SIGNATURE", changed);
  });

  badEnrolment("is refused without any certificate", () =>
    registrar.expectRefused("EK_NOT_REGISTERED", randomUUID(), machine, { ekCertificate: null }),
  );
});
