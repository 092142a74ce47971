// SPDX-License-Identifier: Apache-2.0

import { randomUUID } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import type { RequestListener } from "node:http";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encodeRegistration } from "@nsattest/protocol";
import { initAuthority } from "@nsattest/registrar";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createRegistrarClient, type Registrar } from "./registrar-client.ts";

const ID = randomUUID();
const AK = new Uint8Array([1, 2, 3]);
const GOOD = {
  id: ID,
  akPublic: AK,
  admittedBy: "ek-certificate" as const,
  ekHash: "0".repeat(64),
  enrolledAt: "2026-01-02T03:04:05.000Z",
};

let folder: string;
let server: Server;
let answer: RequestListener;
const requests: string[] = [];

function pem(name: string): string {
  return readFileSync(join(folder, "ca", name), "utf8");
}

/** A client of whoever has the certificate `as`. */
function clientOf(port: number, timeoutMs = 20_000, host = "127.0.0.1"): Registrar {
  return createRegistrarClient({
    url: `https://${host}:${port}`,
    tls: { ca: pem("ca.crt"), certificate: pem("verifier.crt"), key: pem("verifier.key") },
    timeoutMs,
  });
}

function listen(name: string): Promise<Server> {
  const settings = {
    ca: pem("ca.crt"),
    cert: pem(`${name}.crt`),
    key: pem(`${name}.key`),
    requestCert: true,
    rejectUnauthorized: true,
  };
  const listening = createServer(settings, (request, response) => {
    requests.push(`${request.method} ${request.url}`);
    answer(request, response);
  });
  return new Promise((resolve) => listening.listen(0, "127.0.0.1", () => resolve(listening)));
}

function portOf(listening: Server): number {
  return (listening.address() as AddressInfo).port;
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "nsattest-registrar-"));
  await initAuthority(join(folder, "ca"), { hosts: ["127.0.0.1"], now: new Date() });
  server = await listen("registrar");
}, 60_000);

afterAll(() => {
  server.close();
  rmSync(folder, { recursive: true });
});

const unavailable = expect.objectContaining({ code: "REGISTRAR_UNAVAILABLE" });

describe("the registrar's client", () => {
  it("gives the key that the registrar vouches for", async () => {
    answer = (_, response) => response.end(JSON.stringify(encodeRegistration(GOOD)));
    expect(await clientOf(portOf(server)).findNode(ID)).toEqual({
      akPublic: AK,
      ekChained: true,
    });
    expect(requests.at(-1)).toBe(`GET /v1/nodes/${ID}`);
  });

  it.each(["ek-hash", "join-token"] as const)(
    "says that no vendor vouches for a TPM that came in by %s",
    async (admittedBy) => {
      const body = JSON.stringify(encodeRegistration({ ...GOOD, admittedBy }));
      answer = (_, response) => response.end(body);
      expect(await clientOf(portOf(server)).findNode(ID)).toMatchObject({ ekChained: false });
    },
  );

  it("knows no node that the registrar does not know", async () => {
    answer = (_, response) => response.writeHead(404).end("{}");
    expect(await clientOf(portOf(server)).findNode(ID)).toBeNull();
  });

  it.each<[string, RequestListener]>([
    ["another status", (_, response) => response.writeHead(500).end("{}")],
    ["a redirect", (_, response) => response.writeHead(302, { location: "/x" }).end()],
    ["no JSON", (_, response) => response.end("<html>")],
    ["no registration", (_, response) => response.end("{}")],
    [
      "another node",
      (_, response) =>
        response.end(JSON.stringify(encodeRegistration({ ...GOOD, id: randomUUID() }))),
    ],
    ["far too much", (_, response) => response.end("x".repeat(70_000))],
    [
      "half an answer",
      (_, response) => {
        response.writeHead(200, { "content-length": "100" }).write("{");
        response.destroy();
      },
    ],
    ["nothing", (_, response) => response.destroy()],
  ])("takes %s for no answer", async (_, listener) => {
    answer = listener;
    await expect(clientOf(portOf(server)).findNode(ID)).rejects.toEqual(unavailable);
  });

  it("does not wait for ever", async () => {
    answer = () => undefined;
    await expect(clientOf(portOf(server), 50).findNode(ID)).rejects.toEqual(unavailable);
  });

  it("believes nobody else of the same authority, and nobody under another name", async () => {
    answer = (_, response) => response.end(JSON.stringify(encodeRegistration(GOOD)));
    const impostor = await listen("verifier");
    const id = randomUUID();
    await expect(clientOf(portOf(impostor)).findNode(id)).rejects.toEqual(unavailable);
    await expect(clientOf(portOf(server), 20_000, "localhost").findNode(id)).rejects.toEqual(
      unavailable,
    );
    expect(requests.filter((request) => request.includes(id))).toEqual([]);
    impostor.close();
  });
});
