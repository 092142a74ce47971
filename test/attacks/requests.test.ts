// SPDX-License-Identifier: Apache-2.0

import { randomUUID } from "node:crypto";
import { connect as connectTcp } from "node:net";
import { connect as connectTls } from "node:tls";
import { encodeEvidence } from "@nsattest/protocol";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { FakeNode } from "../fakes/fake-node.ts";
import { BUSYBOX, strangerIdentity, VerifierBench } from "../fakes/verifier-bench.ts";
import { attack } from "./attack.ts";

let bench: VerifierBench;
let node: FakeNode;
beforeAll(async () => {
  bench = await VerifierBench.start();
  node = bench.newNode();
  await bench.attest(node);
});
afterAll(() => bench.stop());

// Whatever was sent: the verifier is there, and thinks of the node as before.
afterEach(async () => {
  bench.registrarUp = true;
  expect((await bench.report(node)).node.host.tier).toBe("affirming");
  expect(await bench.attest(node)).toMatchObject({ status: 200 });
});

const JSON_TYPE = "application/json";
const CBOR_TYPE = "application/cbor";

function challengePath(id: string = node.id): string {
  return `/v1/nodes/${id}/challenge`;
}

function evidencePath(id: string = node.id): string {
  return `/v1/nodes/${id}/evidence`;
}

describe("who asks", () => {
  const body = JSON.stringify({ bootId: randomUUID() });

  attack(
    "peer-node",
    "refuses a node that speaks for another one",
    "one broken node speaks for all",
    async () => {
      const as = bench.identityOf(bench.newNode().id);
      const challenge = await bench.send(challengePath(), { as, type: JSON_TYPE, body });
      expect(challenge).toMatchObject({ status: 403, code: "ACCESS_DENIED" });
      const evidence = encodeEvidence(node.evidence(await bench.challenge(node)));
      const answer = await bench.send(evidencePath(), { as, type: CBOR_TYPE, body: evidence });
      expect(answer).toMatchObject({ status: 403, code: "ACCESS_DENIED" });
    },
  );

  attack(
    "peer-role",
    "shows nothing to nodes and services",
    "any node reads what all others execute",
    async () => {
      for (const as of [bench.identityOf(node.id), bench.serviceIdentity("verifier")]) {
        const one = `/v1/nodes/${node.id}`;
        const host = `${one}/namespaces/host/explanation`;
        for (const path of ["/v1/nodes", one, host, `${one}/bundle`]) {
          expect(await bench.send(path, { as })).toMatchObject({
            status: 403,
            code: "ACCESS_DENIED",
          });
        }
      }
      // Its certificate is for servers only.
      const as = bench.serviceIdentity("registrar");
      await expect(bench.send("/v1/nodes", { as })).rejects.toThrow();
    },
  );

  attack(
    "peer-role",
    "takes no evidence from an operator",
    "whoever may read verdicts may make them",
    async () => {
      const as = bench.serviceIdentity("operator");
      for (const [path, type] of [
        [challengePath(), JSON_TYPE],
        [evidencePath(), CBOR_TYPE],
      ] as const) {
        expect(await bench.send(path, { as, type, body })).toMatchObject({ status: 403 });
      }
    },
  );

  attack(
    "peer-certificate",
    "speaks to nobody without a certificate of its authority",
    "anybody on the network does all of this",
    async () => {
      await expect(bench.send("/v1/nodes")).rejects.toThrow();
      await expect(bench.send("/v1/nodes", { as: strangerIdentity() })).rejects.toThrow();
    },
  );

  attack(
    "node-registered",
    "knows no node that the registrar does not know",
    "a node whose registration was withdrawn, or never was, gets a verdict",
    async () => {
      const stranger = new FakeNode();
      stranger.boot();
      const as = bench.identityOf(stranger.id);
      const answer = await bench.send(challengePath(stranger.id), { as, type: JSON_TYPE, body });
      expect(answer).toMatchObject({ status: 404, code: "NODE_UNKNOWN" });
      const challenge = await bench.challenge(node);
      expect(await bench.submit(stranger, stranger.evidence(challenge))).toMatchObject({
        status: 409,
        code: "CHALLENGE_UNKNOWN",
      });
      const operator = bench.serviceIdentity("operator");
      expect(await bench.send(`/v1/nodes/${stranger.id}`, { as: operator })).toMatchObject({
        status: 404,
        code: "NODE_UNKNOWN",
      });
    },
  );

  attack(
    "node-registrar-down",
    "pins no key while the registrar does not answer, and needs it for no node it knows",
    "while the registrar is down, any key will do",
    async () => {
      bench.registrarUp = false;
      const fresh = bench.newNode();
      const as = bench.identityOf(fresh.id);
      expect(
        await bench.send(challengePath(fresh.id), { as, type: JSON_TYPE, body }),
      ).toMatchObject({
        status: 503,
        code: "REGISTRAR_UNAVAILABLE",
      });
      expect(await bench.attest(node)).toMatchObject({ status: 200 });
    },
  );
});

describe("what is asked", () => {
  // Tables of what is no request: not a forgery each, but nothing may end the verifier or be taken for what it is not.
  it.each([
    ["nothing", JSON_TYPE, "", 400],
    ["no JSON", JSON_TYPE, "{", 400],
    ["no UTF-8", JSON_TYPE, Buffer.from([0x22, 0xff, 0x22]), 400],
    ["no object", JSON_TYPE, "null", 400],
    ["no boot id", JSON_TYPE, "{}", 400],
    ["a boot id that is none", JSON_TYPE, '{"bootId":"../../etc/passwd"}', 400],
    ["a field too many", JSON_TYPE, `{"bootId":"${randomUUID()}","__proto__":{}}`, 400],
    ["too much", JSON_TYPE, `"${"x".repeat(2000)}"`, 413],
    ["CBOR", CBOR_TYPE, Buffer.from([0xa0]), 415],
    ["a form", "application/x-www-form-urlencoded", "bootId=1", 415],
    ["plain text", "text/plain", "{}", 415],
  ])("refuses a challenge request of %s", async (_, type, body, status) => {
    const as = bench.identityOf(node.id);
    const answer = await bench.send(challengePath(), { as, type, body });
    expect(answer).toMatchObject({ status, code: expect.stringMatching(/^[A-Z_]+$/) });
  });

  it.each([
    ["nothing", CBOR_TYPE, "", 400],
    ["no CBOR", CBOR_TYPE, Buffer.from([0xff]), 400],
    ["an empty map", CBOR_TYPE, Buffer.from([0xa0]), 400],
    ["deep nesting", CBOR_TYPE, Buffer.alloc(100_000, 0x81), 400],
    ["a length that is not there", CBOR_TYPE, Buffer.from([0x5b, ...Array(8).fill(0xff)]), 400],
    ["a tag", CBOR_TYPE, Buffer.from([0xd8, 0x1b, 0x80]), 400],
    ["JSON", JSON_TYPE, "{}", 415],
  ])("refuses evidence of %s", async (_, type, body, status) => {
    const as = bench.identityOf(node.id);
    const answer = await bench.send(evidencePath(), { as, type, body });
    expect(answer).toMatchObject({ status, code: expect.stringMatching(/^[A-Z_]+$/) });
  });

  attack(
    "cbor-end",
    "refuses evidence that ends early or goes on too long",
    "what stands behind the evidence is signed and stored with it, and read by nobody",
    async () => {
      const as = bench.identityOf(node.id);
      const good = encodeEvidence(node.evidence(await bench.challenge(node)));
      for (const body of [good.subarray(0, -1), Buffer.concat([good, Buffer.alloc(1)])]) {
        const answer = await bench.send(evidencePath(), { as, type: CBOR_TYPE, body });
        expect(answer).toMatchObject({ status: 400, code: "CBOR_MALFORMED" });
      }
      // What is no evidence uses up no nonce.
      expect(await bench.send(evidencePath(), { as, type: CBOR_TYPE, body: good })).toMatchObject({
        status: 200,
      });
    },
  );

  attack(
    "evidence-size",
    "refuses evidence that is larger than any can be, by its length alone",
    "one request sets aside as much memory as it says it needs",
    async () => {
      const answer = await new Promise<string>((resolve, reject) => {
        const { cert, key } = bench.identityOf(node.id);
        const socket = connectTls({ ...bench.address, cert, key, ca: bench.ca }, () => {
          const head = `POST ${evidencePath()} HTTP/1.1\r\nHost: x\r\nContent-Type: ${CBOR_TYPE}`;
          socket.write(`${head}\r\nContent-Length: 4000000000\r\n\r\n`);
        });
        socket.once("data", (data) => {
          socket.destroy();
          resolve(data.toString("latin1"));
        });
        socket.on("error", reject);
      });
      expect(answer).toMatch(/^HTTP\/1.1 413 /);
    },
  );

  it.each([
    ["another path", "/v2/nodes", "GET", 404],
    ["another method", "/v1/nodes", "DELETE", 404],
    ["another method for one node", "/v1/nodes/x", "PUT", 404],
    ["an id that is none", "/v1/nodes/..%2f..%2fetc", "GET", 404],
    ["a broken escape", "/v1/nodes/%ff", "GET", 400],
  ])("refuses %s", async (_, path, method, status) => {
    const as = bench.serviceIdentity("operator");
    expect(await bench.send(path, { as, method })).toMatchObject({
      status,
      code: expect.stringMatching(/^[A-Z_]+$/),
    });
  });

  it("outlives what is neither TLS nor HTTP", async () => {
    await new Promise<void>((resolve) => {
      const socket = connectTcp(bench.address, () => socket.end("GET / HTTP/1.1\r\n\r\n"));
      socket.on("error", () => undefined).on("close", () => resolve());
      socket.resume();
    });
    const answer = await new Promise<string>((resolve, reject) => {
      const { cert, key } = bench.identityOf(node.id);
      const socket = connectTls({ ...bench.address, cert, key, ca: bench.ca }, () =>
        socket.write("\0\0\0\0 nonsense\r\n\r\n"),
      );
      socket.once("data", (data) => resolve(data.toString("latin1")));
      socket.on("error", reject);
    });
    expect(answer).toContain('"code":"REQUEST_INVALID"');
  });

  // No check stands for this: a round is appraised in one piece.
  it("takes rounds one after the other, also when they are sent together", async () => {
    const busy = bench.newNode();
    const ns = busy.open("web");
    busy.run(ns, BUSYBOX);
    busy.mark();
    const challenges = [await bench.challenge(busy), await bench.challenge(busy)];
    const evidence = challenges.map((challenge) => busy.evidence(challenge));
    const answers = await Promise.all(evidence.map((each) => bench.submit(busy, each)));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
    expect((await bench.report(busy)).namespaces).toHaveLength(1);
  });
});
