// SPDX-License-Identifier: Apache-2.0

import { createHash, createPublicKey, type KeyObject, sign } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  decodeEnrolChallenge,
  decodeRegistration,
  type EnrolChallenge,
  encodeEnrolFinish,
  encodeEnrolStart,
  enrolmentProof,
} from "@nsattest/protocol";
import { initAuthority, type LogFields, runRegistrar } from "@nsattest/registrar";
import {
  AK_RSA_2048_TEMPLATE,
  createPrimary,
  Handle,
  parsePublicArea,
  publicKeyOf,
} from "@nsattest/tpm";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { makeRsaKey } from "../../../../registrar/test/fake-tpm.ts";
import { FakeVendors } from "../../../../registrar/test/fake-vendor.ts";
import { type Swtpm, startSwtpm } from "../../../../test/lab/src/swtpm.ts";
import { NodeTpm } from "../../monitor/anchor/node-tpm.ts";
import { connectSwtpm } from "../../tpm-device/swtpm.ts";
import { Tpm } from "../../tpm-device/tpm.ts";
import type { TpmTransport } from "../../tpm-device/transport.ts";
import { createHttpsClient, type HttpsClient, jsonBody } from "../https-client.ts";
import { type Enrolment, type EnrolmentTpm, type EnrolOptions, enrol } from "./enrol.ts";

// RSA keys take seconds to make on a busy machine.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const NODE_ID = "0d8c6f5e-6d3a-4c89-9f43-0a7d3c1a2b4e";
const OTHER_ID = "11111111-2222-4333-8444-555555555555";
const DAY_MS = 86_400_000;

/** A TPM with its node's keys loaded. */
interface Machine {
  readonly swtpm: Swtpm;
  readonly transport: TpmTransport;
  readonly tpm: EnrolmentTpm;
}

/** A registrar that listens. */
interface Registrar {
  readonly url: string;
  readonly lines: LogFields[];
  readonly stop: () => Promise<void>;
}

const vendors = new FakeVendors(new Date());
const vendor = vendors.root("Vendor");
let folder = "";
let caDir = "";
let one: Machine;
let two: Machine;
let registrar: Registrar;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "nsattest-enrolment-"));
  caDir = join(folder, "ca");
  await initAuthority(caDir, { hosts: ["127.0.0.1"], now: new Date() });
  [one, two] = await Promise.all([startMachine("one"), startMachine("two")]);
});
afterAll(async () => {
  for (const { transport, swtpm } of [one, two]) {
    await transport.close();
    await swtpm.close();
  }
  rmSync(folder, { recursive: true });
});

async function startMachine(name: string): Promise<Machine> {
  const swtpm = await startSwtpm();
  const transport = await connectSwtpm({ path: swtpm.socketPath });
  const tpm = await NodeTpm.open(new Tpm(transport), join(folder, `${name}.ak`));
  return {
    swtpm,
    transport,
    tpm: {
      identity: async () => tpm.identity(),
      activate: ({ credentialBlob, secret }) => tpm.activate(credentialBlob, secret),
    },
  };
}

/** A registrar with a new database that trusts the makers of `machines`. */
async function startRegistrar(machines: readonly Machine[]): Promise<Registrar> {
  const home = mkdtempSync(join(folder, "registrar-"));
  const [ekRoots, ekIntermediates] = [join(home, "roots"), join(home, "intermediates")];
  for (const [path, position] of [
    [ekRoots, 0],
    [ekIntermediates, 1],
  ] as const) {
    mkdirSync(path);
    for (const [index, { swtpm }] of machines.entries()) {
      writeFileSync(join(path, `${index}.pem`), swtpm.rootCertificates[position] ?? "");
    }
  }
  if (machines.length > 0) writeFileSync(join(ekRoots, "vendor.pem"), vendor.certificate);
  const end = new AbortController();
  const lines: LogFields[] = [];
  let running: Promise<void> = Promise.resolve();
  const port = await new Promise<number>((resolve, reject) => {
    running = runRegistrar(
      {
        listen: { host: "127.0.0.1", port: 0 },
        database: join(home, "registrar.db"),
        caDir,
        enrolment: {
          ekCertificate: { roots: ekRoots, intermediates: ekIntermediates },
          ekHash: false,
          joinToken: false,
        },
        certificateHours: 24,
      },
      {
        log: (event, fields) => lines.push({ event, ...fields }),
        now: () => new Date(),
        signal: end.signal,
        onListening: (address) => resolve(address.port),
      },
    );
    running.catch(reject);
  });
  const stop = (): Promise<void> => {
    end.abort();
    return running;
  };
  return { url: `https://127.0.0.1:${port}`, lines, stop };
}

async function withRegistrar<T>(machines: readonly Machine[], use: () => Promise<T>): Promise<T> {
  registrar = await startRegistrar(machines);
  try {
    return await use();
  } finally {
    await registrar.stop();
  }
}

function enrolMachine(machine: Machine, changes: Partial<EnrolOptions> = {}): Promise<Enrolment> {
  const state = mkdtempSync(join(folder, "state-"));
  return enrol({
    registrarUrl: registrar.url,
    nodeId: NODE_ID,
    tpm: machine.tpm,
    caFile: join(caDir, "ca.crt"),
    tlsKeyFile: join(state, "node.key"),
    enrolmentFile: join(state, "enrolment.json"),
    joinTokenFile: null,
    renew: false,
    now: () => new Date(),
    ...changes,
  });
}

/** `machine` as somebody would show it who changes what is said of its keys. */
function claiming(
  machine: Machine,
  changes: Partial<Awaited<ReturnType<EnrolmentTpm["identity"]>>>,
): EnrolmentTpm {
  const identity = async () => ({ ...(await machine.tpm.identity()), ...changes });
  return { ...machine.tpm, identity };
}

function refused(code: string): object {
  return expect.objectContaining({
    code: "HTTPS_REFUSED",
    refusal: expect.objectContaining({ code }),
  });
}

function pem(name: string): string {
  return readFileSync(join(caDir, name), "utf8");
}

async function getNode(
  own: { readonly certificate: string; readonly key: string } | null,
): Promise<{ readonly status: number; readonly json: unknown }> {
  const { hostname: host, port } = new URL(registrar.url);
  const identity = own ? { cert: own.certificate, key: own.key } : {};
  const path = `/v1/nodes/${NODE_ID}`;
  const call = request({ host, port, path, ca: pem("ca.crt"), agent: false, ...identity }).end();
  const [answer] = await once(call, "response");
  const chunks: Buffer[] = [];
  for await (const chunk of answer) chunks.push(chunk);
  return { status: answer.statusCode, json: JSON.parse(Buffer.concat(chunks).toString()) };
}

const DENIED = { status: 403, json: { error: expect.objectContaining({ code: "ACCESS_DENIED" }) } };

async function ekKeyOf(machine: Machine): Promise<KeyObject> {
  return publicKeyOf(parsePublicArea((await machine.tpm.identity()).ekPublic));
}

describe("enrolment with a TPM", () => {
  it("tells the verifier, and nobody else, which AK is the node's", () =>
    withRegistrar([one], async () => {
      const node = await enrolMachine(one);
      const verifier = { certificate: pem("verifier.crt"), key: pem("verifier.key") };
      const { status, json } = await getNode(verifier);
      expect(status).toBe(200);
      const spki = (await ekKeyOf(one)).export({ type: "spki", format: "der" });
      expect(decodeRegistration(json)).toMatchObject({
        id: NODE_ID,
        akPublic: new Uint8Array((await one.tpm.identity()).akPublic),
        admittedBy: "ek-certificate",
        ekHash: createHash("sha256").update(spki).digest("hex"),
      });
      expect(await getNode(null)).toEqual(DENIED);
      expect(await getNode(node)).toEqual(DENIED);
      const decisions = registrar.lines.filter(({ event }) => event === "decision");
      expect(decisions.map(({ route, status: code }) => `${route} ${code}`)).toEqual([
        "/v1/enrol/start 200",
        "/v1/enrol/finish 200",
        "/v1/nodes/:id 200",
        "/v1/nodes/:id 403",
        "/v1/nodes/:id 403",
      ]);
    }));

  it("is refused without any root", () =>
    withRegistrar([], async () => {
      await expect(enrolMachine(one)).rejects.toThrow(refused("EK_NO_ROOTS"));
    }));

  it("is refused when the maker of the TPM is not trusted, whatever its name", () =>
    withRegistrar([two], async () => {
      await expect(enrolMachine(one)).rejects.toThrow(refused("EK_CERT_UNKNOWN_ISSUER"));
    }));

  it("is refused with another TPM's EK certificate", () =>
    withRegistrar([one, two], async () => {
      const { ekCertificate } = await two.tpm.identity();
      const tpm = claiming(one, { ekCertificate });
      await expect(enrolMachine(one, { tpm })).rejects.toThrow(refused("EK_CERT_KEY_MISMATCH"));
    }));

  it("is refused with an expired certificate of the EK", () =>
    withRegistrar([one], async () => {
      const times = { notAfter: new Date(Date.now() - DAY_MS) };
      const ekCertificate = vendors.ekCertificate(vendor, await ekKeyOf(one), times);
      const tpm = claiming(one, { ekCertificate });
      await expect(enrolMachine(one, { tpm })).rejects.toThrow(refused("EK_CERT_EXPIRED"));
      const valid = vendors.ekCertificate(vendor, await ekKeyOf(one));
      await enrolMachine(one, { tpm: claiming(one, { ekCertificate: valid }) });
    }));

  it("is refused for a key of the TPM that signs anything", () =>
    withRegistrar([one], async () => {
      const template = Buffer.from(AK_RSA_2048_TEMPLATE);
      template.writeUInt32BE(template.readUInt32BE(4) & ~0x0001_0000, 4);
      const command = createPrimary(Handle.ENDORSEMENT, template);
      const loose = command.decode(await one.transport.transceive(command.bytes));
      const tpm = claiming(one, { akPublic: loose.publicArea });
      await expect(enrolMachine(one, { tpm })).rejects.toThrow(refused("AK_REFUSED"));
    }));

  it("is refused to a second TPM under the same id, and leaves the first one's record", () =>
    withRegistrar([one, two], async () => {
      const node = await enrolMachine(one);
      await expect(enrolMachine(two)).rejects.toThrow(refused("NODE_ID_TAKEN"));
      await enrolMachine(two, { nodeId: OTHER_ID });
      const operator = { certificate: pem("operator.crt"), key: pem("operator.key") };
      const { akPublic } = decodeRegistration((await getNode(operator)).json);
      expect(akPublic).toEqual(new Uint8Array((await one.tpm.identity()).akPublic));
      expect(node.certificate).toContain("BEGIN CERTIFICATE");
    }));
});

describe("the finish of an enrolment", () => {
  let tlsKey: KeyObject;
  let spki: Buffer;
  let client: HttpsClient;

  beforeEach(() => {
    tlsKey = makeRsaKey();
    spki = createPublicKey(tlsKey).export({ type: "spki", format: "der" });
  });

  function withClient(use: () => Promise<void>): Promise<void> {
    return withRegistrar([one, two], () => {
      client = createHttpsClient({
        url: registrar.url,
        ca: pem("ca.crt"),
        role: "registrar",
        own: null,
        timeoutMs: 10_000,
        maxAnswerBytes: 65_536,
      });
      return use();
    });
  }

  async function start(machine: Machine, nodeId: string): Promise<EnrolChallenge> {
    const { ekCertificate, ...identity } = await machine.tpm.identity();
    const claims = { nodeId, ...identity, ekCertificate };
    const message = encodeEnrolStart({
      ...claims,
      tlsKey: spki,
      joinToken: null,
      previousCertificate: null,
    });
    return decodeEnrolChallenge(await client.post("/v1/enrol/start", jsonBody(message)));
  }

  function finish({ enrolmentId }: EnrolChallenge, credential: Uint8Array): Promise<unknown> {
    const message = encodeEnrolFinish({
      enrolmentId,
      proof: enrolmentProof(credential, spki),
      possession: sign("sha256", Buffer.from(enrolmentId), tlsKey),
    });
    return client.post("/v1/enrol/finish", jsonBody(message));
  }

  it("is refused with the secret that another TPM was given", () =>
    withClient(async () => {
      const mine = await start(one, NODE_ID);
      const other = await start(two, OTHER_ID);
      // Neither TPM opens what is for the other.
      await expect(two.tpm.activate(mine)).rejects.toMatchObject({ code: "RESPONSE_CODE" });
      const secret = await two.tpm.activate(other);
      await expect(finish(mine, secret)).rejects.toThrow(refused("ENROLMENT_PROOF"));
      await finish(other, secret);
    }));

  it("is refused when it is replayed", () =>
    withClient(async () => {
      const challenge = await start(one, NODE_ID);
      const secret = await one.tpm.activate(challenge);
      await finish(challenge, secret);
      await expect(finish(challenge, secret)).rejects.toThrow(refused("ENROLMENT_UNKNOWN"));
    }));

  it("is refused after a wrong one, even with the right secret", () =>
    withClient(async () => {
      const challenge = await start(one, NODE_ID);
      const secret = await one.tpm.activate(challenge);
      await expect(finish(challenge, new Uint8Array(32))).rejects.toThrow(
        refused("ENROLMENT_PROOF"),
      );
      await expect(finish(challenge, secret)).rejects.toThrow(refused("ENROLMENT_UNKNOWN"));
    }));
});
