// SPDX-License-Identifier: Apache-2.0

import { randomUUID } from "node:crypto";
import { connect } from "node:tls";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { newFakeKey } from "../fakes/fake-tpm.ts";
import { codesOf, expectRefused, VALID_SECONDS, VerifierBench } from "../fakes/verifier-bench.ts";
import { attack } from "./attack.ts";

let bench: VerifierBench;
beforeAll(async () => {
  bench = await VerifierBench.start();
});
afterAll(() => bench.stop());

const JSON_TYPE = "application/json";
const SOMETHING = { sha1: new Uint8Array(20), sha256: new Uint8Array(32) };

describe("the way to the verifier", () => {
  attack(
    "peer-tls-version",
    "speaks no older TLS",
    "who stands between talks both sides down to a version whose weaknesses are known",
    async () => {
      const { cert, key } = bench.serviceIdentity("operator");
      const settings = { ...bench.address, cert, key, ca: bench.ca };
      const handshake = new Promise((resolve, reject) => {
        const socket = connect({ ...settings, maxVersion: "TLSv1.2" }, () => resolve(socket.end()));
        socket.on("error", reject);
      });
      await expect(handshake).rejects.toThrow(/protocol version/);
    },
  );

  attack(
    "peer-one-role",
    "admits nobody who is two",
    "a node's certificate with an operator's name beside its own reads what all others execute",
    async () => {
      const uris = ["nsattest:operator", `nsattest:node:${randomUUID()}`];
      const answer = await bench.send("/v1/nodes", { as: bench.certify(uris) });
      expect(answer).toMatchObject({ status: 403, code: "ACCESS_DENIED" });
    },
  );

  attack(
    "request-size",
    "reads no more of a request than a challenge needs",
    "each node fills the memory of the verifier with requests that are of no use",
    async () => {
      const node = bench.newNode();
      const as = bench.identityOf(node.id);
      const body = JSON.stringify({ bootId: "x".repeat(2000) });
      const answer = await bench.send(`/v1/nodes/${node.id}/challenge`, {
        as,
        type: JSON_TYPE,
        body,
      });
      expect(answer).toMatchObject({ status: 413, code: "REQUEST_INVALID" });
    },
  );

  attack(
    "request-type",
    "reads a body only as what it is for",
    "a page in an operator's browser sends a plain text that is read as a request",
    async () => {
      const node = bench.newNode();
      const as = bench.identityOf(node.id);
      const body = JSON.stringify({ bootId: node.bootId });
      const path = `/v1/nodes/${node.id}/challenge`;
      expect(await bench.send(path, { as, type: "text/plain", body })).toMatchObject({
        status: 415,
      });
    },
  );

  attack(
    "json-form",
    "refuses a body that is no JSON",
    "a request that was cut on its way is another, shorter request",
    async () => {
      const node = bench.newNode();
      const as = bench.identityOf(node.id);
      for (const body of ["{", Buffer.from([0x22, 0xff, 0x22])]) {
        const path = `/v1/nodes/${node.id}/challenge`;
        expect(await bench.send(path, { as, type: JSON_TYPE, body })).toMatchObject({
          status: 400,
          code: "JSON_MALFORMED",
        });
      }
    },
  );

  attack(
    "field-object",
    "refuses a body that is no object",
    "one message ends the verifier for everybody",
    async () => {
      const node = bench.newNode();
      const as = bench.identityOf(node.id);
      for (const body of ["null", "[]", "1"]) {
        const path = `/v1/nodes/${node.id}/challenge`;
        expect(await bench.send(path, { as, type: JSON_TYPE, body })).toMatchObject({
          status: 400,
          code: "FIELD_INVALID",
        });
      }
    },
  );
});

describe("what the verifier knows of a node", () => {
  attack(
    "challenge-flood",
    "holds a few nonces of a node, the newest ones",
    "a node asks for nonces until the verifier has no memory left",
    async () => {
      const node = bench.newNode();
      const first = node.evidence(await bench.challenge(node));
      for (let count = 0; count < 4; count++) await bench.challenge(node);
      expect(await bench.submit(node, first)).toMatchObject({
        status: 409,
        code: "CHALLENGE_UNKNOWN",
      });
    },
  );

  attack(
    "node-known",
    "says nothing of a node that was never challenged",
    "a name that nobody bears has a report, which looks like that of a node",
    async () => {
      const as = bench.serviceIdentity("operator");
      expect(await bench.send(`/v1/nodes/${randomUUID()}`, { as })).toMatchObject({
        status: 404,
        code: "NODE_UNKNOWN",
      });
    },
  );

  attack(
    "boot-other-key-state",
    "begins anew with a node's new key",
    "a machine that enrols under the id of a good one goes on with the list that the good one has proven",
    async () => {
      const node = bench.newNode();
      await bench.attest(node);
      const renewed = newFakeKey();
      node.tpm.ak = renewed;
      expectRefused(await bench.attest(node), "QUOTE_SIGNATURE");
      node.registeredAk = renewed.akPublic;
      expect(await bench.challenge(node)).toMatchObject({ listOffset: 0, logOffset: 0 });
    },
  );

  attack(
    "refusal-standing",
    "ends a verdict with evidence that does not prove it any more",
    "a node whose log was tampered with keeps its good verdict until it ends by itself",
    async () => {
      const node = bench.newNode();
      expect(await bench.attest(node)).toMatchObject({ body: { host: "affirming" } });
      node.tpm.extend(13, SOMETHING);
      expectRefused(await bench.attest(node), "ANCHOR_FOREIGN_EXTEND");
      expect(codesOf((await bench.report(node)).node.host)).toEqual(["ANCHOR_FOREIGN_EXTEND"]);
    },
  );

  attack(
    "node-rebooted",
    "says nothing of a node that was booted again and has not proven it",
    "a node is started with something else, and keeps the verdict of the boot before until that ends",
    async () => {
      const node = bench.newNode();
      expect(await bench.attest(node)).toMatchObject({ body: { host: "affirming" } });
      node.boot();
      await bench.challenge(node);
      expect(codesOf((await bench.report(node)).node.host)).toEqual(["NODE_REBOOTED"]);
    },
  );

  attack(
    "node-unreachable",
    "tells a node that is gone from one that is late",
    "a node that was taken away looks like one whose last evidence was a little slow",
    async () => {
      const node = bench.newNode();
      await bench.attest(node);
      bench.advance(2 * VALID_SECONDS + 1);
      expect(codesOf((await bench.report(node)).node.host)).toEqual(["NODE_UNREACHABLE"]);
    },
  );
});
