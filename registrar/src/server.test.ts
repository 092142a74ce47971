// SPDX-License-Identifier: Apache-2.0

import {
  decodeEnrolChallenge,
  decodeEnrolResult,
  decodeRegistration,
  encodeEnrolFinish,
  encodeEnrolStart,
  type PeerRole,
} from "@nsattest/protocol";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { makeDesk, NODE_ID, NOW, vendors } from "../test/fake-desk.ts";
import { FakeNode } from "../test/fake-node.ts";
import { makeFakeTpm, makeRsaKey } from "../test/fake-tpm.ts";
import { signCertificate } from "./ca/certificate.ts";
import type { EnrolmentDesk } from "./enrol/enrolment-desk.ts";
import type { LogFields } from "./log.ts";
import { buildServer } from "./server.ts";

// RSA keys take seconds to make on a busy machine.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const OTHER_ID = "11111111-2222-4333-8444-555555555555";
const root = vendors.root("Root");
const tpm = makeFakeTpm();
const certificate = vendors.ekCertificate(root, tpm.ekKey);
const ownKey = makeRsaKey();

let desk: EnrolmentDesk;
let node: FakeNode;
let peer: PeerRole | null;
let lines: LogFields[];
let server: ReturnType<typeof buildServer>;

beforeEach(() => {
  desk = makeDesk({ roots: [root] });
  node = new FakeNode(NODE_ID, tpm, certificate);
  peer = null;
  lines = [];
  server = makeServer();
});

function makeServer(): typeof server {
  const own = {
    key: ownKey,
    certificate: signCertificate(
      {
        notBefore: NOW,
        notAfter: NOW,
        commonName: "registrar",
        publicKey: ownKey,
        authority: false,
        usages: [],
        uris: [],
        hosts: [],
      },
      desk.ca,
    ),
  };
  return buildServer({
    desk,
    own,
    log: (event, fields) => lines.push({ event, ...fields }),
    peerOf: () => peer,
  });
}

async function post(url: string, payload: unknown): Promise<{ status: number; json: unknown }> {
  const answer = await server.inject({
    method: "POST",
    url,
    headers: { "content-type": "application/json" },
    payload: JSON.stringify(payload),
  });
  return { status: answer.statusCode, json: answer.json() };
}

async function enrol(): Promise<void> {
  const { json } = await post("/v1/enrol/start", encodeEnrolStart(node.start()));
  const finish = node.finish(decodeEnrolChallenge(json));
  const { json: result } = await post("/v1/enrol/finish", encodeEnrolFinish(finish));
  expect(decodeEnrolResult(result).ca).toBe(desk.ca.certificate);
}

function refusal(code: string): object {
  return { error: { code, message: expect.stringMatching(/^[ -~]+$/) } };
}

describe("the server", () => {
  it("enrols a node and tells the verifier and the operator of it", async () => {
    await enrol();
    for (const role of ["verifier", "operator"] as const) {
      peer = { role };
      const answer = await server.inject(`/v1/nodes/${NODE_ID}`);
      expect(answer.statusCode).toBe(200);
      expect(decodeRegistration(answer.json())).toEqual({
        id: NODE_ID,
        akPublic: tpm.akPublic,
        admittedBy: "ek-certificate",
        ekHash: desk.store.ekHashOf(NODE_ID),
        enrolledAt: "2026-01-02T03:04:05.678Z",
      });
    }
  });

  it("writes one line for each decision", async () => {
    await enrol();
    await server.inject(`/v1/nodes/${NODE_ID}`);
    const from = "127.0.0.1";
    const event = "decision";
    expect(lines).toEqual([
      { event, from, method: "POST", route: "/v1/enrol/start", status: 200, node: NODE_ID },
      {
        event,
        from,
        method: "POST",
        route: "/v1/enrol/finish",
        status: 200,
        node: NODE_ID,
        ek: desk.store.ekHashOf(NODE_ID),
        admittedBy: "ek-certificate",
      },
      {
        event,
        from,
        method: "GET",
        route: "/v1/nodes/:id",
        status: 403,
        code: "ACCESS_DENIED",
        reason: expect.any(String),
      },
    ]);
  });

  it.each([
    null,
    { role: "node", id: NODE_ID },
    { role: "node", id: OTHER_ID },
    { role: "registrar" },
  ] as const)("tells %j nothing of a node", async (who) => {
    await enrol();
    peer = who;
    const answer = await server.inject(`/v1/nodes/${NODE_ID}`);
    expect(answer.statusCode).toBe(403);
    expect(answer.json()).toEqual(refusal("ACCESS_DENIED"));
  });

  it("closes a route that does not say whom it is for", async () => {
    server.get("/forgotten", async () => "secret");
    for (const role of ["verifier", "operator"] as const) {
      peer = { role };
      expect((await server.inject("/forgotten")).json()).toEqual(refusal("ACCESS_DENIED"));
    }
  });

  it.each([OTHER_ID, "nobody", "..%2f..", `${NODE_ID}%00`, "x".repeat(64)])(
    "knows no node %s",
    async (id) => {
      peer = { role: "verifier" };
      const answer = await server.inject(`/v1/nodes/${id}`);
      expect(answer.statusCode).toBe(404);
      expect(answer.json()).toEqual(refusal("NOT_FOUND"));
    },
  );

  it("answers what it has no route for", async () => {
    for (const [method, url] of [
      ["GET", "/"],
      ["DELETE", `/v1/nodes/${NODE_ID}`],
      ["HEAD", `/v1/nodes/${NODE_ID}`],
      ["GET", "/v1/enrol/start"],
    ] as const) {
      expect((await server.inject({ method, url })).statusCode, url).toBe(404);
    }
    for (const [url, status] of [
      ["/%ff", 400],
      [`/v1/nodes/${"x".repeat(200)}`, 414],
    ] as const) {
      const answer = await server.inject(url);
      expect(answer.statusCode).toBe(status);
      expect(answer.json()).toEqual(refusal("REQUEST_INVALID"));
    }
  });

  it("passes on why an enrolment is refused", async () => {
    desk = makeDesk({ roots: [] });
    server = makeServer();
    const { status, json } = await post("/v1/enrol/start", encodeEnrolStart(node.start()));
    expect(status).toBe(403);
    expect(json).toEqual(refusal("EK_NO_ROOTS"));
    expect(lines).toMatchObject([{ node: NODE_ID, code: "EK_NO_ROOTS", status: 403 }]);
  });

  it.each([
    ["no object", "[]", 400, "FIELD_INVALID"],
    ["an empty object", "{}", 400, "FIELD_MISSING"],
    ["no JSON", "{", 400, "REQUEST_INVALID"],
    ["nothing", "", 400, "REQUEST_INVALID"],
    ["a prototype", '{"__proto__": {"nodeId": 1}}', 400, "REQUEST_INVALID"],
    ["too much", `{"nodeId": "${"x".repeat(70_000)}"}`, 413, "REQUEST_INVALID"],
  ])("refuses %s as a start", async (_, payload, status, code) => {
    const headers = { "content-type": "application/json" };
    const url = "/v1/enrol/start";
    const answer = await server.inject({ method: "POST", url, headers, payload });
    expect(answer.statusCode).toBe(status);
    expect(answer.json()).toEqual(refusal(code));
  });

  it.each(["text/plain", "application/x-www-form-urlencoded", "application/cbor"])(
    "refuses %s",
    async (type) => {
      const answer = await server.inject({
        method: "POST",
        url: "/v1/enrol/start",
        headers: { "content-type": type },
        payload: "{}",
      });
      expect(answer.statusCode).toBe(415);
      expect(answer.json()).toEqual(refusal("REQUEST_INVALID"));
    },
  );

  it("refuses a field of a start that it does not know, and an id that is none", async () => {
    const start = encodeEnrolStart(node.start()) as object;
    for (const [changes, code] of [
      [{ trusted: true }, "FIELD_UNKNOWN"],
      [{ nodeId: "../../etc" }, "FIELD_INVALID"],
      [{ ekPublic: "not base64!" }, "FIELD_INVALID"],
      [{ tlsKey: null }, "FIELD_INVALID"],
    ] as const) {
      const { status, json } = await post("/v1/enrol/start", { ...start, ...changes });
      expect(status).toBe(400);
      expect(json).toEqual(refusal(code));
    }
  });

  it("keeps its own faults to itself and its log", async () => {
    desk.store.close();
    const { status, json } = await post("/v1/enrol/start", encodeEnrolStart(node.start()));
    expect(status).toBe(500);
    expect(json).toEqual(refusal("INTERNAL"));
    expect(lines).toMatchObject([
      { event: "fault", detail: expect.stringContaining("the database failed") },
      { event: "decision", status: 500, code: "INTERNAL" },
    ]);
  });
});
