// SPDX-License-Identifier: Apache-2.0

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TLSSocket } from "node:tls";
import { initAuthority } from "@nsattest/registrar";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { createHttpsClient, type HttpsClientOptions, jsonBody } from "./https-client.ts";

// RSA keys take seconds to make on a busy machine.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

let folder = "";
let other = "";
const servers: Server[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "nsattest-https-"));
  other = join(folder, "other");
  for (const dir of [join(folder, "ca"), other]) {
    await initAuthority(dir, { hosts: ["127.0.0.1"], now: new Date() });
  }
});
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});
afterAll(() => rmSync(folder, { recursive: true }));

function pem(name: string, dir = join(folder, "ca")): string {
  return readFileSync(join(dir, name), "utf8");
}

/** A server with the certificate of `name`; resolves to its URL. */
async function serve(
  handler: Handler,
  name = "verifier",
  dir = join(folder, "ca"),
): Promise<string> {
  const tls = { cert: pem(`${name}.crt`, dir), key: pem(`${name}.key`, dir) };
  const client = { ca: pem("ca.crt"), requestCert: true, rejectUnauthorized: false };
  const server = createServer({ ...tls, ...client }, handler);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function post(url: string, changes: Partial<HttpsClientOptions> = {}): Promise<unknown> {
  const client = createHttpsClient({
    url,
    ca: pem("ca.crt"),
    role: "verifier",
    own: null,
    timeoutMs: 10_000,
    maxAnswerBytes: 1000,
    ...changes,
  });
  return client.post("/v1/thing", jsonBody({ a: 1 }));
}

function answer(status: number, text: string): Handler {
  return (request, response) => {
    request.resume();
    response.writeHead(status).end(text);
  };
}

async function codeOf(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => "none",
    (error) => error.code,
  );
}

describe("the HTTPS client", () => {
  it("posts a body and returns the JSON of the answer", async () => {
    let seen = "";
    const url = await serve(async (request, response) => {
      const body = await new Response(request as never).text();
      seen = `${request.method} ${request.url} ${request.headers["content-type"]} ${body}`;
      response.end('{"ok": true}');
    });
    expect(await post(url)).toEqual({ ok: true });
    expect(seen).toBe('POST /v1/thing application/json {"a":1}');
  });

  it("shows its own certificate when it has one", async () => {
    const url = await serve((request, response) => {
      const socket = request.socket as TLSSocket;
      const name = socket.getPeerCertificate().subjectaltname ?? null;
      response.end(JSON.stringify([socket.authorized, name]));
    });
    const own = { certificate: pem("operator.crt"), key: pem("operator.key") };
    expect(await post(url)).toEqual([false, null]);
    expect(await post(url, { own })).toEqual([true, "URI:nsattest:operator"]);
  });

  it("passes on why a service refuses", async () => {
    const url = await serve(answer(409, '{"error": {"code": "NODE_ID_TAKEN", "message": "no"}}'));
    await expect(post(url)).rejects.toMatchObject({
      code: "HTTPS_REFUSED",
      refusal: { status: 409, code: "NODE_ID_TAKEN" },
    });
  });

  it.each([
    [502, "<html>"],
    [500, "[]"],
    [301, "{}"],
    [403, '{"error": {"code": "\\u001b[2J", "message": ""}}'],
  ])("takes %i %s for a refusal without a reason", async (status, text) => {
    const url = await serve(answer(status, text));
    await expect(post(url)).rejects.toMatchObject({
      code: "HTTPS_REFUSED",
      refusal: { status, code: null },
    });
  });

  it.each(["", "{", "\xff"])("refuses %j as a success", async (text) => {
    const url = await serve((request, response) => {
      request.resume();
      response.end(Buffer.from(text, "latin1"));
    });
    expect(await codeOf(post(url))).toBe("HTTPS_ANSWER_MALFORMED");
  });

  it("reads no more than it was told", async () => {
    const text = (size: number): string => JSON.stringify("x".repeat(size - 2));
    expect(await post(await serve(answer(200, text(1000))))).toHaveLength(998);
    expect(await codeOf(post(await serve(answer(200, text(1001)))))).toBe("HTTPS_ANSWER_TOO_LARGE");
    const endless = await serve((_, response) => {
      const more = (): void => {
        if (response.writable) response.write("x".repeat(1000), more);
      };
      more();
    });
    expect(await codeOf(post(endless))).toBe("HTTPS_ANSWER_TOO_LARGE");
  });

  it("trusts the given authority only", async () => {
    const url = await serve(answer(200, "1"), "verifier", other);
    expect(await codeOf(post(url))).toBe("HTTPS_UNTRUSTED");
    expect(await post(url, { ca: pem("ca.crt", other) })).toBe(1);
  });

  it("trusts only the host and the role it asked for", async () => {
    const registrar = await serve(answer(200, "1"), "registrar");
    expect(await codeOf(post(registrar))).toBe("HTTPS_UNTRUSTED");
    expect(await post(registrar, { role: "registrar" })).toBe(1);
    const verifier = await serve(answer(200, "1"));
    expect(await codeOf(post(verifier.replace("127.0.0.1", "localhost")))).toBe("HTTPS_UNTRUSTED");
  });

  it("does not take a client's certificate for a server's", async () => {
    const url = await serve(answer(200, "1"), "operator");
    expect(await codeOf(post(url, { role: "operator" }))).toBe("HTTPS_UNTRUSTED");
  });

  it("waits only so long, for an answer and for its end", async () => {
    const silent = await serve(() => undefined);
    expect(await codeOf(post(silent, { timeoutMs: 100 }))).toBe("HTTPS_TIMEOUT");
    const halting = await serve((_, response) => response.write("{"));
    expect(await codeOf(post(halting, { timeoutMs: 100 }))).toBe("HTTPS_TIMEOUT");
  });

  it("stops when told to", async () => {
    const stop = new AbortController();
    const url = await serve(() => stop.abort());
    const client = createHttpsClient({
      url,
      ca: pem("ca.crt"),
      role: "verifier",
      own: null,
      timeoutMs: 10_000,
      maxAnswerBytes: 1000,
    });
    expect(await codeOf(client.post("/", jsonBody(1), stop.signal))).toBe("HTTPS_UNREACHABLE");
  });

  it("says so when nobody answers or the answer breaks off", async () => {
    const url = await serve((request) => request.socket.destroy());
    expect(await codeOf(post(url))).toBe("HTTPS_UNREACHABLE");
    const broken = await serve((request, response) => {
      response.writeHead(200, { "content-length": "100" });
      response.write("{", () => request.socket.destroy());
    });
    expect(await codeOf(post(broken))).toBe("HTTPS_UNREACHABLE");
    const server = servers.shift();
    await new Promise((resolve) => server?.close(resolve));
    expect(await codeOf(post(url))).toBe("HTTPS_UNREACHABLE");
  });

  it.each(["http://127.0.0.1", "127.0.0.1:8443", ""])("refuses %j as a URL", (url) => {
    expect(() => post(url)).toThrow(expect.objectContaining({ code: "HTTPS_URL" }));
  });
});
