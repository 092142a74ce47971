// SPDX-License-Identifier: Apache-2.0

import { createPublicKey, type KeyObject } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { Agent, type RequestOptions, request } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ConnectionOptions, connect, type TLSSocket } from "node:tls";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { NODE_ID, vendors } from "../test/fake-desk.ts";
import { makeRsaKey } from "../test/fake-tpm.ts";
import { signCertificate } from "./ca/certificate.ts";
import { initAuthority } from "./ca/init.ts";
import { loadAuthority } from "./ca/load.ts";
import { issueNodeCertificate } from "./ca/node-certificate.ts";
import type { RegistrarConfig } from "./config.ts";
import type { LogFields } from "./log.ts";
import { runRegistrar } from "./run.ts";

// RSA keys take seconds to make on a busy machine.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

interface Identity {
  readonly cert: string;
  readonly key: string;
}

const now = (): Date => new Date();
const stop = new AbortController();
const lines: LogFields[] = [];
let folder = "";
let config: RegistrarConfig;
let running: Promise<void>;
let port = 0;
let ca = "";

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "nsattest-registrar-"));
  mkdirSync(join(folder, "roots"));
  writeFileSync(join(folder, "roots", "root.pem"), vendors.root("Root").certificate);
  config = {
    listen: { host: "127.0.0.1", port: 0 },
    database: join(folder, "registrar.db"),
    caDir: join(folder, "ca"),
    enrolment: by(join(folder, "roots")),
    certificateHours: 24,
  };
  await initAuthority(config.caDir, { hosts: ["127.0.0.1"], now: now() });
  ca = readFileSync(join(config.caDir, "ca.crt"), "utf8");
  const started = run(config, stop.signal);
  running = started.done;
  port = (await started.listening).port;
});
afterAll(async () => {
  stop.abort();
  await running;
  rmSync(folder, { recursive: true });
});

function by(roots: string, intermediates: string | null = null): RegistrarConfig["enrolment"] {
  return { ekCertificate: { roots, intermediates }, ekHash: false, joinToken: false };
}

function run(
  with_: RegistrarConfig,
  signal: AbortSignal,
): { listening: Promise<AddressInfo>; done: Promise<void> } {
  const { promise, resolve } = withResolver<AddressInfo>();
  const log = (event: string, fields: LogFields): void => {
    lines.push({ event, ...fields });
  };
  return {
    listening: promise,
    done: runRegistrar(with_, { log, now, signal, onListening: resolve }),
  };
}

function withResolver<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => undefined;
  const promise = new Promise<T>((accept) => {
    resolve = accept;
  });
  return { promise, resolve };
}

function own(name: string): Identity {
  const read = (end: string): string => readFileSync(join(config.caDir, `${name}.${end}`), "utf8");
  return { cert: read("crt"), key: read("key") };
}

function pem(key: KeyObject): string {
  return key.export({ type: "pkcs8", format: "pem" }).toString();
}

async function getNode(
  options: RequestOptions & ConnectionOptions,
): Promise<{ status: number; code: string }> {
  const path = `/v1/nodes/${NODE_ID}`;
  const call = request({ host: "127.0.0.1", port, path, ca, agent: new Agent(), ...options }).end();
  const [answer] = await once(call, "response");
  const chunks: Buffer[] = [];
  for await (const chunk of answer) chunks.push(chunk);
  const { error } = JSON.parse(Buffer.concat(chunks).toString());
  return { status: answer.statusCode, code: error.code };
}

const DENIED = { status: 403, code: "ACCESS_DENIED" };
const UNKNOWN_NODE = { status: 404, code: "NOT_FOUND" };

describe("over TLS", () => {
  it("the verifier and the operator may ask for nodes", async () => {
    expect(await getNode(own("verifier"))).toEqual(UNKNOWN_NODE);
    expect(await getNode(own("operator"))).toEqual(UNKNOWN_NODE);
  });

  it("nobody else may: not without a certificate, not as a node, not as the registrar", async () => {
    const authority = await loadAuthority(config.caDir, now());
    const key = makeRsaKey();
    const spki = createPublicKey(key).export({ type: "spki", format: "der" });
    const cert = issueNodeCertificate(authority.ca, {
      nodeId: NODE_ID,
      spki,
      now: now(),
      hours: 24,
    });
    expect(await getNode({})).toEqual(DENIED);
    expect(await getNode({ cert, key: pem(key) })).toEqual(DENIED);
    expect(await getNode(own("registrar"))).toEqual(DENIED);
  });

  it("a certificate that calls itself the verifier's is nothing without our authority", async () => {
    expect(await getNode(forged())).toEqual(DENIED);
  });

  it("a session that began as a stranger's stays one when it is resumed", async () => {
    for (const identity of [forged(), {}]) {
      const session = await sessionOf(identity);
      expect(await resumed(session)).toBe(true);
      expect(await getNode({ session })).toEqual(DENIED);
      expect(await getNode({ ...identity, session })).toEqual(DENIED);
    }
  });

  it("an expired certificate of our authority does not count", async () => {
    const authority = await loadAuthority(config.caDir, now());
    const key = makeRsaKey();
    const past = { ...certificateOf(key, "nsattest:verifier"), notAfter: new Date(0) };
    const cert = signCertificate({ ...past, notBefore: new Date(-1000) }, authority.ca);
    expect(await getNode({ cert, key: pem(key) })).toEqual(DENIED);
  });

  it("TLS 1.2 is not spoken", async () => {
    await expect(getNode({ ...own("verifier"), maxVersion: "TLSv1.2" })).rejects.toThrow();
  });

  it("what is no HTTP is answered in a word and does no harm", async () => {
    const socket = await tlsSocket({});
    socket.write("GARBAGE\r\n\r\n");
    const chunks: Buffer[] = [];
    for await (const chunk of socket) chunks.push(chunk);
    expect(Buffer.concat(chunks).toString()).toMatch(/^HTTP\/1\.1 400 .*"REQUEST_INVALID"/s);
    expect(await getNode(own("verifier"))).toEqual(UNKNOWN_NODE);
  });
});

describe("a registrar", () => {
  it("starts, stops when told to, and can start again on the same database", async () => {
    for (let round = 0; round < 2; round += 1) {
      const end = new AbortController();
      const other = { ...config, database: join(folder, "other.db") };
      const { listening, done } = run(other, end.signal);
      expect((await listening).port).toBeGreaterThan(0);
      end.abort();
      await done;
    }
    expect(lines.filter(({ event }) => event === "registrar-stopped")).toHaveLength(2);
  });

  it("says when nobody can enrol", async () => {
    mkdirSync(join(folder, "none"));
    const end = new AbortController();
    end.abort();
    const other = { ...config, database: ":memory:", enrolment: by(join(folder, "none")) };
    await run(other, end.signal).done;
    expect(lines).toContainEqual({ event: "no-ek-roots", folder: join(folder, "none") });
  });

  it("reads the EK issuers again when it is told to, and keeps the old ones when it cannot", async () => {
    const roots = join(folder, "changing");
    mkdirSync(roots);
    const end = new AbortController();
    let reload: () => Promise<void> = () => Promise.resolve();
    const listening = withResolver<AddressInfo>();
    const log = (event: string, fields: LogFields): void => {
      lines.push({ event, ...fields });
    };
    const done = runRegistrar(
      { ...config, database: ":memory:", enrolment: by(roots) },
      {
        log,
        now,
        signal: end.signal,
        onReload: (again) => {
          reload = again;
        },
        onListening: listening.resolve,
      },
    );
    await listening.promise;
    lines.length = 0;
    writeFileSync(join(roots, "root.pem"), vendors.root("Root").certificate);
    await reload();
    writeFileSync(join(roots, "bad.pem"), "no certificate");
    await reload();
    expect(lines).toMatchObject([
      { event: "ek-issuers-read", ekRoots: 1 },
      { event: "fault", code: "EK_TRUST_UNREADABLE" },
    ]);
    end.abort();
    await done;
  });

  it("does not start without what it needs", async () => {
    const none = join(folder, "not", "there");
    const { signal } = new AbortController();
    for (const [changes, code] of [
      [{ caDir: none }, "CA_UNREADABLE"],
      [{ enrolment: by(none) }, "EK_TRUST_UNREADABLE"],
      [{ enrolment: by(join(folder, "roots"), none) }, "EK_TRUST_UNREADABLE"],
      [{ database: none }, "STORE_FAILED"],
      [{ listen: { host: "127.0.0.1", port } }, "LISTEN_FAILED"],
      [{ listen: { host: "host.invalid", port: 0 } }, "LISTEN_FAILED"],
    ] as const) {
      await expect(run({ ...config, ...changes }, signal).done).rejects.toMatchObject({ code });
    }
  });
});

function certificateOf(key: KeyObject, uri: string): Parameters<typeof signCertificate>[0] {
  return {
    notBefore: new Date(Date.now() - 1000),
    notAfter: new Date(Date.now() + 3_600_000),
    commonName: "nsattest CA",
    publicKey: key,
    authority: false,
    usages: ["clientAuth"],
    uris: [uri],
    hosts: [],
  };
}

function forged(): Identity {
  const key = makeRsaKey();
  const cert = signCertificate(certificateOf(key, "nsattest:verifier"), key);
  return { cert, key: pem(key) };
}

async function tlsSocket(options: object): Promise<TLSSocket> {
  const socket = connect({ host: "127.0.0.1", port, ca, ...options });
  await once(socket, "secureConnect");
  return socket;
}

/** A session as the server gave it to a client with `identity`. */
async function sessionOf(identity: object): Promise<Buffer> {
  const socket = await tlsSocket(identity);
  const given = once(socket, "session");
  // The ticket comes with the first bytes of the server.
  socket.write("GET / HTTP/1.1\r\nHost: registrar\r\nConnection: close\r\n\r\n");
  socket.resume();
  const [session] = await given;
  socket.destroy();
  return session;
}

async function resumed(session: Buffer): Promise<boolean> {
  const socket = await tlsSocket({ session });
  const reused = socket.isSessionReused();
  socket.destroy();
  return reused;
}
