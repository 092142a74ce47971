// SPDX-License-Identifier: Apache-2.0

import { randomUUID, X509Certificate } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encodeEnrolChallenge, encodeEnrolResult } from "@nsattest/protocol";
import { initAuthority, runRegistrar } from "@nsattest/registrar";
import { makeCredential, publicAreaName } from "@nsattest/tpm";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { type FakeTpm, makeFakeTpm } from "../../../../registrar/test/fake-tpm.ts";
import { FakeVendors } from "../../../../registrar/test/fake-vendor.ts";
import { type EnrolmentTpm, type EnrolOptions, enrol } from "./enrol.ts";

// RSA keys take seconds to make on a busy machine.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const DAY_MS = 86_400_000;
const vendors = new FakeVendors(new Date());
const root = vendors.root("Root");
const tpm = makeFakeTpm();
const stop = new AbortController();

let folder = "";
let caFile = "";
let state = "";
/** Another one in each test: a node that has lost its certificates would look like a copy. */
let nodeId = "";
let url = "";
let running: Promise<void>;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "nsattest-enrol-"));
  const [caDir, ekRoots] = [join(folder, "ca"), join(folder, "roots")];
  caFile = join(caDir, "ca.crt");
  await initAuthority(caDir, { hosts: ["127.0.0.1"], now: new Date() });
  mkdirSync(ekRoots);
  writeFileSync(join(ekRoots, "root.pem"), root.certificate);
  const listening = new Promise<number>((resolve) => {
    running = runRegistrar(
      {
        listen: { host: "127.0.0.1", port: 0 },
        database: join(folder, "registrar.db"),
        caDir,
        enrolment: {
          ekCertificate: { roots: ekRoots, intermediates: null },
          ekHash: false,
          joinToken: false,
        },
        certificateHours: 24,
      },
      {
        log: () => undefined,
        now: () => new Date(),
        signal: stop.signal,
        onListening: ({ port }) => resolve(port),
      },
    );
  });
  url = `https://127.0.0.1:${await listening}`;
});
beforeEach(() => {
  state = mkdtempSync(join(folder, "state-"));
  nodeId = randomUUID();
});
afterEach(() => rmSync(state, { recursive: true }));
afterAll(async () => {
  stop.abort();
  await running;
  rmSync(folder, { recursive: true });
});

function monitorOf(fake: FakeTpm): EnrolmentTpm {
  const ekCertificate = vendors.ekCertificate(root, fake.ekKey);
  const { ekPublic, akPublic } = fake;
  return {
    identity: async () => ({ ekPublic, ekCertificate, ekChain: new Uint8Array(0), akPublic }),
    activate: async (wrapped) => fake.activate(wrapped),
  };
}

function options(changes: Partial<EnrolOptions> = {}): EnrolOptions {
  return {
    registrarUrl: url,
    nodeId,
    tpm: monitorOf(tpm),
    caFile,
    tlsKeyFile: join(state, "node.key"),
    enrolmentFile: join(state, "enrolment.json"),
    joinTokenFile: null,
    renew: false,
    now: () => new Date(),
    ...changes,
  };
}

/** A registrar that would not answer: whoever comes back enrolled did without it. */
const NOWHERE = "https://127.0.0.1:1";

function later(days: number): () => Date {
  return () => new Date(Date.now() + days * DAY_MS);
}

function refused(code: string): object {
  return expect.objectContaining({ code });
}

describe("a node", () => {
  it("enrols, and keeps key and certificate to itself", async () => {
    const { certificate, key, ca, renewAt } = await enrol(options());
    const parsed = new X509Certificate(certificate);
    expect(parsed.subjectAltName).toBe(`URI:nsattest:node:${nodeId}`);
    expect(ca).toBe(readFileSync(caFile, "utf8"));
    expect(readFileSync(join(state, "node.key"), "utf8")).toBe(key);
    const life = Date.parse(parsed.validTo) - Date.parse(parsed.validFrom);
    expect(renewAt.getTime()).toBe(Date.parse(parsed.validTo) - life / 3);
    expect(readdirSync(state).sort()).toEqual(["enrolment.json", "node.key"]);
    for (const file of readdirSync(state)) {
      expect(statSync(join(state, file)).mode & 0o777).toBe(0o600);
    }
  });

  it("resumes without the registrar", async () => {
    const before = await enrol(options());
    expect(await enrol(options({ registrarUrl: NOWHERE, now: later(0.99) }))).toEqual(before);
  });

  it.each([
    ["the certificate has ended", { now: later(1.01) }],
    ["the certificate is not yet valid", { now: later(-1) }],
    ["it has another id", { nodeId: "11111111-2222-4333-8444-555555555555" }],
    ["its TPM has another AK", { tpm: monitorOf(makeFakeTpm({ ekKey: tpm.ekKey })) }],
    ["it is told to", { renew: true }],
  ])("does not resume when %s", async (_, changes) => {
    const before = await enrol(options());
    const unreachable = enrol(options({ ...changes, registrarUrl: NOWHERE }));
    await expect(unreachable).rejects.toThrow(refused("HTTPS_UNREACHABLE"));
    const after = await enrol(options(changes));
    expect(after.certificate).not.toBe(before.certificate);
    expect(after.key).toBe(before.key);
  });

  it("does not resume with another key or another authority's certificate", async () => {
    await enrol(options());
    rmSync(join(state, "node.key"));
    await expect(enrol(options({ registrarUrl: NOWHERE }))).rejects.toThrow(
      refused("HTTPS_UNREACHABLE"),
    );
    const strange = join(state, "ca");
    await initAuthority(strange, { hosts: ["127.0.0.1"], now: new Date() });
    await enrol(options());
    await expect(enrol(options({ caFile: join(strange, "ca.crt") }))).rejects.toThrow(
      refused("HTTPS_UNTRUSTED"),
    );
  });

  it.each(["", "{", "[]", "null", '{"akPublic": 1}', '{"akPublic": "AA==", "certificate": "x"}'])(
    "enrols again when its file says %j",
    async (text) => {
      writeFileSync(join(state, "enrolment.json"), text);
      await enrol(options());
      await enrol(options({ registrarUrl: NOWHERE }));
    },
  );

  it("does not replace a key file that it cannot read", async () => {
    writeFileSync(join(state, "node.key"), "something else");
    await expect(enrol(options())).rejects.toThrow(refused("ENROL_FILE"));
    expect(readFileSync(join(state, "node.key"), "utf8")).toBe("something else");
  });

  it("needs its authority's certificate and a folder to write to", async () => {
    const none = join(state, "none", "file");
    for (const changes of [{ caFile: none }, { tlsKeyFile: none }, { enrolmentFile: none }]) {
      await expect(enrol(options(changes))).rejects.toThrow(refused("ENROL_FILE"));
    }
    await expect(enrol(options({ caFile: state }))).rejects.toThrow(refused("ENROL_FILE"));
  });

  it("shows its token, where it has one", async () => {
    const joinTokenFile = join(state, "token");
    // No file is no token; what is in it is sent, and the registrar knows no such token.
    await enrol(options({ joinTokenFile }));
    writeFileSync(joinTokenFile, "no token\n");
    await expect(enrol(options({ joinTokenFile, renew: true }))).rejects.toMatchObject({
      refusal: { status: 400, code: "FIELD_INVALID" },
    });
    writeFileSync(joinTokenFile, `${"A".repeat(43)}\n`);
    await enrol(options({ joinTokenFile, renew: true }));
  });

  it("says that its TPM has no EK certificate: the registrar has to know of another way in", async () => {
    const identity = async () => ({ ...(await monitorOf(tpm).identity()), ekCertificate: null });
    const without = { ...monitorOf(tpm), identity };
    await expect(enrol(options({ tpm: without }))).rejects.toThrow(refused("HTTPS_REFUSED"));
  });

  it("does not take a certificate that is not its own from the registrar", async () => {
    const pem = (name: string): string => readFileSync(join(folder, "ca", name), "utf8");
    const { akPublic, ekPublic } = tpm;
    const akName = publicAreaName(akPublic);
    const wrapped = makeCredential({ ekPublic, akName, credential: new Uint8Array(32) });
    const server = createServer(
      { cert: pem("registrar.crt"), key: pem("registrar.key") },
      (call, answer) => {
        const result = call.url?.endsWith("start")
          ? encodeEnrolChallenge({ enrolmentId: "abcdefghijklmnop", ...wrapped })
          : encodeEnrolResult({ certificate: pem("operator.crt"), ca: pem("ca.crt") });
        call.resume();
        answer.end(JSON.stringify(result));
      },
    );
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    await expect(enrol(options({ registrarUrl: `https://127.0.0.1:${port}` }))).rejects.toThrow(
      refused("ENROL_CERTIFICATE"),
    );
    expect(existsSync(join(state, "enrolment.json"))).toBe(false);
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  it("keeps nothing of an enrolment that is refused", async () => {
    await enrol(options());
    rmSync(join(state, "enrolment.json"));
    await expect(enrol(options({ tpm: monitorOf(makeFakeTpm()) }))).rejects.toMatchObject({
      code: "HTTPS_REFUSED",
      refusal: { status: 409, code: "NODE_ID_TAKEN" },
    });
    expect(existsSync(join(state, "enrolment.json"))).toBe(false);
  });
});
