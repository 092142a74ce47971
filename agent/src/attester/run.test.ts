// SPDX-License-Identifier: Apache-2.0

import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer as createHttpsServer, type Server as HttpsServer } from "node:https";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TLSSocket } from "node:tls";
import {
  decodeMonitorRequest,
  encodeChallenge,
  encodeMonitorAnswer,
  FrameSplitter,
  MONITOR_REQUEST_MAX,
  parsePeerRole,
} from "@nsattest/protocol";
import { initAuthority, runRegistrar } from "@nsattest/registrar";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { makeFakeTpm } from "../../../registrar/test/fake-tpm.ts";
import { FakeVendors } from "../../../registrar/test/fake-vendor.ts";
import { FakePauses } from "../../test/fake-pauses.ts";
import type { AttesterConfig } from "./config.ts";
import { FIRST_RETRY_MS } from "./push/push-loop.ts";
import { ENROL_PAUSE_MS, RENEWAL_MIN_MS, runAttester } from "./run.ts";

// RSA keys take seconds to make on a busy machine.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const BOOT_ID = "0d8c6f5e-6d3a-4c89-9f43-0a7d3c1a2b4e";
const DAY_MS = 86_400_000;
const INTERVAL_S = 5;
const CHALLENGE = {
  nonce: new Uint8Array(32),
  listOffset: 0,
  logOffset: 0,
  bank: "sha256",
  pcrs: [10, 13],
  bootLog: false,
  deadline: "2026-01-31T12:00:00.000Z",
} as const;

const vendors = new FakeVendors(new Date());
const root = vendors.root("Root");
const first = makeFakeTpm();
const NO_CHAIN = new Uint8Array(0);
const ekCertificate = vendors.ekCertificate(root, first.ekKey);

let folder: string;
let caDir: string;
let registrarUrl: string;
const stopRegistrar = new AbortController();
let registrar: Promise<void>;

/** The TPM behind the monitor now. */
let tpm: typeof first;
let monitor: Server;
let monitorSockets: Socket[];
let verifier: HttpsServer;
/** What the verifier refuses next, by its code. */
let refusals: string[];
/** The node of each evidence that was accepted. */
let accepted: string[];
let config: AttesterConfig;
let stop: AbortController;
let pauses: FakePauses;
let told: string[];
let now: Date;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "nsattest-attester-"));
  caDir = join(folder, "ca");
  const ekRoots = join(folder, "roots");
  await initAuthority(caDir, { hosts: ["127.0.0.1"], now: new Date() });
  mkdirSync(ekRoots);
  const ekCertificate = { roots: ekRoots, intermediates: null };
  const enrolment = { ekCertificate, ekHash: false, joinToken: false };
  writeFileSync(join(ekRoots, "root.pem"), root.certificate);
  const listening = new Promise<number>((resolve) => {
    const listen = { host: "127.0.0.1", port: 0 };
    registrar = runRegistrar(
      { listen, database: join(folder, "registrar.db"), caDir, enrolment, certificateHours: 24 },
      {
        log: () => undefined,
        now: () => new Date(),
        signal: stopRegistrar.signal,
        onListening: ({ port }) => resolve(port),
      },
    );
  });
  registrarUrl = `https://127.0.0.1:${await listening}`;
});

afterAll(async () => {
  stopRegistrar.abort();
  await registrar;
  rmSync(folder, { recursive: true });
});

beforeEach(async () => {
  tpm = first;
  [refusals, accepted, told, monitorSockets] = [[], [], [], []];
  pauses = new FakePauses();
  now = new Date();
  stop = new AbortController();
  const stateFolder = mkdtempSync(join(folder, "state-"));
  verifier = await serveVerifier();
  const { port } = verifier.address() as AddressInfo;
  config = {
    registrar: registrarUrl,
    verifier: `https://127.0.0.1:${port}`,
    caFile: join(caDir, "ca.crt"),
    stateFolder,
    monitorSocket: join(stateFolder, "m.sock"),
    joinTokenFile: null,
  };
  monitor = createServer(serveMonitor);
  monitor.listen(config.monitorSocket);
  await once(monitor, "listening");
});

afterEach(() => {
  stop.abort();
  for (const socket of monitorSockets) socket.destroy();
  monitor.close();
  verifier.closeAllConnections();
  verifier.close();
});

function serveMonitor(socket: Socket): void {
  monitorSockets.push(socket);
  socket.on("error", () => undefined);
  const splitter = new FrameSplitter(MONITOR_REQUEST_MAX);
  socket.on("data", (chunk) => {
    for (const payload of splitter.push(chunk)) {
      const request = decodeMonitorRequest(payload);
      const { ekPublic, akPublic } = tpm;
      if (request.op === "identity") {
        const identity = { bootId: BOOT_ID, ekPublic, ekCertificate, ekChain: NO_CHAIN, akPublic };
        socket.write(encodeMonitorAnswer("identity", identity));
      } else if (request.op === "activate") {
        socket.write(encodeMonitorAnswer("activate", { credential: tpm.activate(request) }));
      } else {
        socket.write(encodeMonitorAnswer("evidence", { evidence: Uint8Array.of(1) }));
      }
    }
  });
}

async function serveVerifier(): Promise<HttpsServer> {
  const pem = (name: string): string => readFileSync(join(caDir, name), "utf8");
  const tls = { cert: pem("verifier.crt"), key: pem("verifier.key"), ca: pem("ca.crt") };
  const server = createHttpsServer({ ...tls, requestCert: true }, (request, response) => {
    request.resume();
    const peer = (request.socket as TLSSocket).getPeerCertificate();
    const role = parsePeerRole(peer.subjectaltname);
    const challenge = request.url?.endsWith("/challenge");
    const refusal = challenge ? undefined : refusals.shift();
    if (refusal !== undefined) {
      response.writeHead(422).end(JSON.stringify({ error: { code: refusal, message: "no" } }));
    } else if (challenge) response.end(JSON.stringify(encodeChallenge(CHALLENGE)));
    else {
      accepted.push(role.role === "node" ? role.id : role.role);
      const answer = { host: "affirming", namespaces: 0, nextIntervalSeconds: INTERVAL_S };
      response.end(JSON.stringify(answer));
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return server;
}

function run(): Promise<void> {
  return runAttester(config, stop.signal, {
    now: () => now,
    pause: pauses.pause,
    report: (_, message, fields) => told.push(`${message} ${fields?.["error"] ?? ""}`.trim()),
  });
}

/** Ends the wait after a round that was accepted. */
async function nextRound(): Promise<void> {
  (await pauses.waiting(INTERVAL_S * 1000)).end();
}

/** When the certificate in the text of an enrolment file should be renewed. */
function renewalOf(file: string): Date {
  const { validFrom, validTo } = new X509Certificate(JSON.parse(file).certificate);
  const [start, end] = [Date.parse(validFrom), Date.parse(validTo)];
  return new Date(end - (end - start) / 3);
}

function certificate(): string {
  return readFileSync(join(config.stateFolder, "enrolment.json"), "utf8");
}

it("enrols, pushes at the verifier's pace, and says each thing once", async () => {
  const ended = run();
  for (let n = 0; n < 3; n++) await nextRound();
  await pauses.waiting(INTERVAL_S * 1000);
  const id = readFileSync(join(config.stateFolder, "node-id"), "utf8").trim();
  expect(accepted).toEqual(Array(4).fill(id));
  expect(told).toEqual(["node is enrolled", "evidence is accepted"]);
  stop.abort();
  await ended;
});

it("waits for a monitor that is not there yet", async () => {
  monitor.close();
  const ended = run();
  for (let n = 0; n < 2; n++) (await pauses.waiting(ENROL_PAUSE_MS)).end();
  await pauses.waiting(ENROL_PAUSE_MS);
  expect(told).toEqual([expect.stringMatching(/^enrolment is put off AttesterError: .*ENOENT/)]);
  monitor.listen(config.monitorSocket);
  await once(monitor, "listening");
  (await pauses.waiting(ENROL_PAUSE_MS)).end();
  await pauses.waiting(INTERVAL_S * 1000);
  expect(told.slice(1)).toEqual(["node is enrolled", "evidence is accepted"]);
  stop.abort();
  await ended;
});

describe("when the verifier refuses evidence", () => {
  it("for a reason of its own, the agent tries again and keeps its certificate", async () => {
    const ended = run();
    await pauses.waiting(INTERVAL_S * 1000);
    const before = certificate();
    refusals = ["LIST_REPLAY_MISMATCH", "LIST_REPLAY_MISMATCH"];
    await nextRound();
    (await pauses.waiting(FIRST_RETRY_MS)).end();
    (await pauses.waiting(2 * FIRST_RETRY_MS)).end();
    await pauses.waiting(INTERVAL_S * 1000);
    expect(certificate()).toBe(before);
    expect(told.filter((line) => line.startsWith("evidence is put off"))).toHaveLength(1);
    stop.abort();
    await ended;
  });

  it("because it does not know the node, the agent enrols again, after a pause", async () => {
    const ended = run();
    await pauses.waiting(INTERVAL_S * 1000);
    const before = certificate();
    refusals = ["NODE_UNKNOWN"];
    await nextRound();
    const pause = await pauses.waiting(ENROL_PAUSE_MS);
    expect(certificate()).toBe(before);
    pause.end();
    await pauses.waiting(INTERVAL_S * 1000);
    expect(certificate()).not.toBe(before);
    expect(accepted).toHaveLength(2);
    stop.abort();
    await ended;
  });

  it("because the TPM has another key now, the agent enrols that one", async () => {
    const ended = run();
    await pauses.waiting(INTERVAL_S * 1000);
    tpm = makeFakeTpm({ ekKey: first.ekKey });
    refusals = ["QUOTE_SIGNATURE"];
    await nextRound();
    (await pauses.waiting(ENROL_PAUSE_MS)).end();
    await pauses.waiting(INTERVAL_S * 1000);
    expect(JSON.parse(certificate())).toMatchObject({
      akPublic: Buffer.from(tpm.akPublic).toString("base64"),
    });
    stop.abort();
    await ended;
  });
});

describe("a certificate", () => {
  it("is renewed in time", async () => {
    const ended = run();
    await pauses.waiting(INTERVAL_S * 1000);
    const before = certificate();
    const left = renewalOf(before).getTime() - now.getTime();
    const renewAt = await pauses.waiting(left);
    now = new Date(now.getTime() + left);
    renewAt.end();
    (await pauses.waiting(ENROL_PAUSE_MS)).end();
    await pauses.waiting(INTERVAL_S * 1000);
    expect(certificate()).not.toBe(before);
    stop.abort();
    await ended;
  });

  it("is good to the end while the registrar is down", async () => {
    const enrolled = run();
    await pauses.waiting(INTERVAL_S * 1000);
    const before = certificate();
    stop.abort();
    await enrolled;

    stop = new AbortController();
    told.length = 0;
    accepted.length = 0;
    config = { ...config, registrar: "https://127.0.0.1:1" };
    now = new Date(renewalOf(before).getTime() + 1000);
    const ended = run();
    for (let n = 0; n < 2; n++) {
      await nextRound();
      (await pauses.waiting(RENEWAL_MIN_MS)).end();
    }
    await nextRound();
    await pauses.waiting(RENEWAL_MIN_MS);
    expect(accepted.length).toBeGreaterThanOrEqual(3);
    expect(told).toEqual([
      "node is enrolled",
      "evidence is accepted",
      expect.stringMatching(/^renewal is put off AttesterError/),
    ]);
    expect(certificate()).toBe(before);
    stop.abort();
    await ended;
  });

  it("that looks old to a clock that is wrong is used all the same, for a while", async () => {
    now = new Date(now.getTime() + 500 * DAY_MS);
    const ended = run();
    await nextRound();
    await pauses.waiting(INTERVAL_S * 1000);
    expect(accepted).toHaveLength(2);
    (await pauses.waiting(RENEWAL_MIN_MS)).end();
    await pauses.waiting(ENROL_PAUSE_MS);
    stop.abort();
    await ended;
  });
});

describe("an attester", () => {
  it("that is stopped does not wait for a monitor that is silent", async () => {
    monitor.removeAllListeners("connection");
    const asked = once(monitor, "connection");
    const ended = run();
    const [socket] = (await asked) as [Socket];
    monitorSockets.push(socket);
    stop.abort();
    await ended;
  });

  it("that was stopped before does nothing", async () => {
    stop.abort();
    await run();
    expect(told).toEqual([]);
  });

  it("ends when its folder cannot be used", async () => {
    config = { ...config, stateFolder: join(config.stateFolder, "no") };
    await expect(run()).rejects.toMatchObject({ code: "ENROL_FILE" });
  });

  it("ends when its key is damaged: a new one would be another node's", async () => {
    writeFileSync(join(config.stateFolder, "tls.key"), "no key");
    await expect(run()).rejects.toMatchObject({ code: "ENROL_FILE" });
  });
});
