// SPDX-License-Identifier: Apache-2.0

import { generateKeyPairSync, randomUUID } from "node:crypto";
import type { PeerRole } from "@nsattest/protocol";
import type { LightMyRequestResponse } from "fastify";
import { describe, expect, it } from "vitest";
import { signCertificate } from "../../registrar/src/ca/certificate.ts";
import { VerifierError } from "./error.ts";
import { buildServer } from "./server.ts";
import type { Verifier } from "./verifier.ts";

const ID = randomUUID();
const NODE: PeerRole = { role: "node", id: ID };
const OPERATOR: PeerRole = { role: "operator" };

const key = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;
const certificate = signCertificate(
  {
    commonName: "verifier",
    publicKey: key,
    notBefore: new Date(0),
    notAfter: new Date("2100-01-01"),
    authority: true,
    usages: [],
    uris: [],
    hosts: [],
  },
  key,
);
const tls = {
  ca: certificate,
  certificate,
  key: key.export({ type: "pkcs8", format: "pem" }).toString(),
};

/** The answer of a server for one peer; `verifier` may have a part of the methods. */
async function ask(
  peer: PeerRole | null,
  method: "GET" | "POST",
  url: string,
  verifier: Partial<Verifier> = {},
  request: { readonly type?: string; readonly body?: string | Buffer } = {},
): Promise<{ answer: LightMyRequestResponse; lines: readonly unknown[] }> {
  const lines: unknown[] = [];
  const server = buildServer({
    verifier: verifier as Verifier,
    tls,
    log: (event, fields) => lines.push({ event, ...fields }),
    peerOf: () => peer,
  });
  const { type, body } = request;
  const answer = await server.inject({
    method,
    url,
    ...(type !== undefined && { headers: { "content-type": type } }),
    ...(body !== undefined && { body }),
  });
  await server.close();
  return { answer, lines };
}

describe("the verifier's server", () => {
  it.each<[string, PeerRole | null, "GET" | "POST", string, number]>([
    ["a stranger", null, "GET", "/v1/nodes", 403],
    ["a node at an operator's route", NODE, "GET", `/v1/nodes/${ID}`, 403],
    ["a node that wants its own bundle", NODE, "GET", `/v1/nodes/${ID}/bundle`, 403],
    [
      "a node that wants an explanation",
      NODE,
      "GET",
      `/v1/nodes/${ID}/namespaces/host/explanation`,
      403,
    ],
    ["an operator at a node's route", OPERATOR, "POST", `/v1/nodes/${ID}/challenge`, 403],
    ["a verifier", { role: "verifier" }, "GET", "/v1/nodes", 403],
    ["a node in the place of another", NODE, "POST", `/v1/nodes/${randomUUID()}/challenge`, 403],
    ["anybody at no route", null, "GET", "/", 404],
  ])("refuses %s", async (_, peer, method, url, status) => {
    const { answer } = await ask(peer, method, url);
    expect(answer.statusCode).toBe(status);
    expect(answer.json()).toMatchObject({ error: { code: expect.any(String) } });
  });

  it("says nothing of a fault of its own, and logs it", async () => {
    const summaries = (): never => {
      throw new Error("the database is gone: /var/lib/secret");
    };
    const { answer, lines } = await ask(OPERATOR, "GET", "/v1/nodes", { summaries });
    expect(answer.statusCode).toBe(500);
    expect(answer.json()).toEqual({
      error: { code: "INTERNAL", message: "the verifier failed; its log has more" },
    });
    expect(lines).toMatchObject([
      { event: "fault", detail: expect.stringContaining("the database is gone") },
    ]);
  });

  it("takes a code that no request can cause for such a fault", async () => {
    const summaries = (): never => {
      throw new VerifierError("STORE_FAILED", "/var/lib/secret");
    };
    const { answer } = await ask(OPERATOR, "GET", "/v1/nodes", { summaries });
    expect(answer.json()).toMatchObject({ error: { code: "INTERNAL" } });
  });

  it("outlives what is thrown that is no error", async () => {
    const summaries = (): never => {
      throw "nonsense";
    };
    const { answer } = await ask(OPERATOR, "GET", "/v1/nodes", { summaries });
    expect(answer.statusCode).toBe(500);
  });

  it("answers a refused proof with its code, and prints nothing of a peer's as it came", async () => {
    const reason = { code: "LIST_PCR", detail: `\x1b[31m${"x".repeat(1000)}` };
    const receive = () => ({ accepted: false, reason }) as const;
    const { answer } = await ask(
      NODE,
      "POST",
      `/v1/nodes/${ID}/evidence`,
      { receive },
      {
        type: "application/cbor",
        body: Buffer.from([0xa0]),
      },
    );
    expect(answer.statusCode).toBe(422);
    const { error } = answer.json() as { error: { code: string; message: string } };
    expect(error.code).toBe("LIST_PCR");
    expect(error.message).toMatch(/^\?\[31mx{490,500}$/);
  });

  it("gives an empty body to nobody but the decoder", async () => {
    let received: Uint8Array | undefined;
    const receive = (_: string, body: Uint8Array) => {
      received = body;
      return {
        accepted: true,
        answer: { host: "none", namespaces: 0, nextIntervalSeconds: 1 },
      } as const;
    };
    await ask(NODE, "POST", `/v1/nodes/${ID}/evidence`, { receive });
    expect(received).toHaveLength(0);
  });
});
