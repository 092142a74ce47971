// SPDX-License-Identifier: Apache-2.0

import { randomUUID } from "node:crypto";
import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { runTpm2 } from "../fakes/tpm2-tools.ts";
import { badEnrolment } from "./bad-enrolment.ts";
import { Machine } from "./machine.ts";
import { RegistrarProcess } from "./registrar-process.ts";

// RSA keys take seconds to make on a busy machine.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 240_000 });

const folder = mkdtempSync(join(tmpdir(), "nsattest-enrolment-"));
afterAll(() => rmSync(folder, { recursive: true }));

function newHome(): string {
  return mkdtempSync(join(folder, "agent-"));
}

describe("by the certificate that swtpm_localca made", () => {
  let one: Machine;
  let two: Machine;
  let registrar: RegistrarProcess;

  beforeAll(async () => {
    [one, two] = await Promise.all([Machine.start(folder), Machine.start(folder)]);
    const authorities = [one, two].map(({ swtpm }) => swtpm.rootCertificates);
    registrar = await RegistrarProcess.start(folder, {
      roots: authorities.map(([root = ""]) => root),
      intermediates: authorities.map(([, issuer = ""]) => issuer),
    });
  });
  afterAll(async () => {
    await registrar.stop();
    await Promise.all([one.close(), two.close()]);
  });

  badEnrolment(
    "a second TPM under the same id is refused, until an operator replaces the first",
    async () => {
      const nodeId = randomUUID();
      await registrar.enrol(nodeId, newHome(), { tpm: one.claiming() });
      await registrar.expectRefused("NODE_ID_TAKEN", nodeId, two);
      expect((await registrar.registration(nodeId))?.ekHash).toBe(one.ekHash);
      registrar.order({ action: "node-replace", ekHash: two.ekHash, node: nodeId });
      expect(await registrar.registration(nodeId)).toBeNull();
      await registrar.expectRefused("NODE_ID_TAKEN", nodeId, one);
      await registrar.enrol(nodeId, newHome(), { tpm: two.claiming() });
      expect((await registrar.registration(nodeId))?.ekHash).toBe(two.ekHash);
    },
  );

  badEnrolment("a TPM under the hash of another one is refused", () =>
    registrar.expectRefused("NODE_ID_TAKEN", one.ekHash, two),
  );

  badEnrolment(
    "a TPM whose maker nobody trusts is refused, whatever the maker's name",
    async () => {
      const stranger = await Machine.start(folder);
      await registrar.expectRefused("EK_CERT_UNKNOWN_ISSUER", randomUUID(), stranger);
      await stranger.close();
    },
  );

  badEnrolment("any TPM is refused where no root is configured", async () => {
    const rootless = await RegistrarProcess.start(folder);
    await rootless.expectRefused("EK_NO_ROOTS", randomUUID(), one);
    await rootless.stop();
  });

  badEnrolment(
    "a copied machine is refused at its second renewal, and so is the other",
    async () => {
      const first = await Machine.start(folder, { stateDir: join(newHome(), "tpm") });
      const { rootCertificates, stateDir } = first.swtpm;
      const trusting = await RegistrarProcess.start(folder, {
        roots: rootCertificates.slice(0, 1),
        intermediates: rootCertificates.slice(1),
      });
      const nodeId = randomUUID();
      await trusting.enrol(nodeId, first.home, { tpm: first.claiming() });
      await first.close();
      // The whole machine: the TPM's state, the wrapped AK, TLS key and certificate.
      const [state, home] = [join(newHome(), "tpm"), newHome()];
      cpSync(stateDir, state, { recursive: true });
      cpSync(first.home, home, { recursive: true });
      const original = await Machine.start(folder, { stateDir, home: first.home });
      const copy = await Machine.start(folder, { stateDir: state, home });
      expect(copy.identity()).toEqual(original.identity());
      const renew = (machine: Machine) =>
        trusting.enrol(nodeId, machine.home, { tpm: machine.claiming() });
      const cloned = { refusal: { code: "NODE_CLONED" } };
      await renew(original);
      await renew(copy);
      await expect(renew(original)).rejects.toMatchObject(cloned);
      await expect(renew(copy)).rejects.toMatchObject(cloned);
      trusting.order({ action: "node-replace", ekHash: original.ekHash, node: nodeId });
      await trusting.stop();
      await Promise.all([original.close(), copy.close()]);
    },
  );

  badEnrolment(
    "a TPM with a new endorsement seed is refused: its certificate is for the old key",
    async () => {
      const stateDir = join(newHome(), "tpm");
      const machine = await Machine.start(folder, { stateDir });
      const [root = "", issuer = ""] = machine.swtpm.rootCertificates;
      const trusting = await RegistrarProcess.start(folder, {
        roots: [root],
        intermediates: [issuer],
        ways: { ekHash: true },
      });
      const nodeId = randomUUID();
      await trusting.enrol(nodeId, machine.home, { tpm: machine.claiming() });
      await machine.tpm.close();
      const { socketPath } = machine.swtpm;
      await runTpm2("changeeps", [], { cwd: folder, socketPath });
      await machine.swtpm.close();
      const reset = await Machine.start(folder, { stateDir, home: machine.home });
      expect(reset.ekHash).not.toBe(machine.ekHash);
      expect(reset.identity().akPublic).not.toEqual(machine.identity().akPublic);
      await trusting.expectRefused("EK_CERT_KEY_MISMATCH", nodeId, reset);
      // Even let in by its hash it is not the node that it was.
      trusting.order({ action: "ek-add", ekHash: reset.ekHash, node: null });
      await trusting.expectRefused("NODE_ID_TAKEN", nodeId, reset);
      await trusting.stop();
      await reset.close();
    },
  );

  it("a TPM whose owner was cleared is the same, with the same EK", async () => {
    const stateDir = join(newHome(), "tpm");
    const machine = await Machine.start(folder, { stateDir });
    const [root = "", issuer = ""] = machine.swtpm.rootCertificates;
    const trusting = await RegistrarProcess.start(folder, {
      roots: [root],
      intermediates: [issuer],
    });
    const nodeId = randomUUID();
    await trusting.enrol(nodeId, machine.home, { tpm: machine.claiming() });
    await machine.tpm.close();
    await runTpm2("clear", [], { cwd: folder, socketPath: machine.swtpm.socketPath });
    await machine.swtpm.close();
    const cleared = await Machine.start(folder, { stateDir, home: machine.home });
    expect(cleared.ekHash).toBe(machine.ekHash);
    await trusting.enrol(nodeId, machine.home, { tpm: cleared.claiming() });
    const { akPublic } = (await trusting.registration(nodeId)) ?? {};
    expect(akPublic).toEqual(new Uint8Array(cleared.identity().akPublic));
    await trusting.stop();
    await cleared.close();
  });
});

describe("by an operator's word", () => {
  let machine: Machine;
  let other: Machine;
  let registrar: RegistrarProcess;

  beforeAll(async () => {
    [machine, other] = await Promise.all([Machine.start(folder), Machine.start(folder)]);
    const ways = { ekCertificate: null, ekHash: true, joinToken: true };
    registrar = await RegistrarProcess.start(folder, { ways });
  });
  afterAll(async () => {
    await registrar.stop();
    await Promise.all([machine.close(), other.close()]);
  });

  function join_(joinToken: string, nodeId: string, by: Machine) {
    const home = newHome();
    const joinTokenFile = join(home, "join-token");
    writeFileSync(joinTokenFile, `${joinToken}\n`);
    return registrar.enrol(nodeId, home, { tpm: by.claiming(), joinTokenFile });
  }

  badEnrolment("a TPM that nobody let in is refused, whatever its certificate", () =>
    registrar.expectRefused("EK_NOT_REGISTERED", randomUUID(), machine),
  );

  badEnrolment("a TPM that was let in under one id is refused under another", async () => {
    const nodeId = randomUUID();
    registrar.order({ action: "ek-add", ekHash: machine.ekHash, node: nodeId });
    await registrar.expectRefused("EK_NODE_MISMATCH", randomUUID(), machine);
    await registrar.enrol(nodeId, newHome(), { tpm: machine.claiming() });
    expect((await registrar.registration(nodeId))?.admittedBy).toBe("ek-hash");
    registrar.order({ action: "ek-remove", ekHash: machine.ekHash });
    await registrar.expectRefused("EK_NOT_REGISTERED", nodeId, machine);
  });

  badEnrolment("a token lets nobody in who is not approved, and no second TPM at all", async () => {
    const token = registrar.order({ action: "token-create", hours: 1 }) ?? "";
    const nodeId = randomUUID();
    const refused = (code: string) => ({ refusal: { code } });
    await expect(join_(token, nodeId, machine)).rejects.toMatchObject(
      refused("ENROLMENT_UNAPPROVED"),
    );
    await expect(join_(token, nodeId, other)).rejects.toMatchObject(refused("JOIN_TOKEN_USED"));
    registrar.order({ action: "node-approve", ekHash: machine.ekHash, node: nodeId });
    await join_(token, nodeId, machine);
    expect((await registrar.registration(nodeId))?.admittedBy).toBe("join-token");
  });

  badEnrolment("a token of nobody's is refused, and so is an old one", async () => {
    const token = registrar.order({ action: "token-create", hours: 1 }) ?? "";
    const refused = (code: string) => ({ refusal: { code } });
    const made = "A".repeat(43);
    await expect(join_(made, randomUUID(), other)).rejects.toMatchObject(
      refused("JOIN_TOKEN_INVALID"),
    );
    registrar.now = () => new Date(Date.now() + 3_600_000);
    await expect(join_(token, randomUUID(), other)).rejects.toMatchObject(
      refused("JOIN_TOKEN_EXPIRED"),
    );
  });
});
