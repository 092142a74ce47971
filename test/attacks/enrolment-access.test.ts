// SPDX-License-Identifier: Apache-2.0

import { randomUUID } from "node:crypto";
import { encodeEnrolStart } from "@nsattest/protocol";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { FakeNode } from "../../registrar/test/fake-node.ts";
import { makeFakeTpm } from "../../registrar/test/fake-tpm.ts";
import { RegistrarBench } from "../fakes/registrar-bench.ts";
import { strangerIdentity } from "../fakes/verifier-bench.ts";
import { attack } from "./attack.ts";

let bench: RegistrarBench;
beforeAll(async () => {
  bench = await RegistrarBench.start();
});
afterAll(() => bench.stop());

const tpm = makeFakeTpm();

function newNode(id: string = randomUUID()): FakeNode {
  return new FakeNode(id, tpm, bench.vendors.ekCertificate(bench.root, tpm.ekKey));
}

describe("who asks the registrar", () => {
  attack(
    "enrol-access",
    "tells a node's key to the verifier and operators alone",
    "everybody on the network sees which nodes there are and since when",
    async () => {
      const id = randomUUID();
      await bench.enrol(newNode(id));
      expect((await bench.registration(id)).status).toBe(200);
      expect(await bench.send(`/v1/nodes/${id}`)).toMatchObject({
        status: 403,
        code: "ACCESS_DENIED",
      });
    },
  );

  attack(
    "enrol-authorized",
    "believes no certificate of somebody else's making",
    "whoever writes himself a certificate is the operator",
    async () => {
      const id = randomUUID();
      await bench.enrol(newNode(id));
      const answer = await bench.send(`/v1/nodes/${id}`, { as: strangerIdentity() });
      expect(answer).toMatchObject({ status: 403, code: "ACCESS_DENIED" });
    },
  );

  attack(
    "enrol-size",
    "reads no more of a stranger's request than an enrolment has",
    "a stranger fills the memory of the registrar",
    async () => {
      const body = JSON.stringify({ nodeId: "x".repeat(70_000) });
      expect(await bench.send("/v1/enrol/start", { body })).toMatchObject({ status: 413 });
    },
  );

  attack(
    "field-base64",
    "refuses bytes that are spelled in another way",
    "the same certificate has as many spellings as somebody needs to get past a list of bad ones",
    async () => {
      const start = encodeEnrolStart(newNode().start()) as { readonly ekPublic: string };
      const body = JSON.stringify({ ...start, ekPublic: `${start.ekPublic}\n` });
      expect(await bench.send("/v1/enrol/start", { body })).toMatchObject({
        status: 400,
        code: "FIELD_INVALID",
      });
    },
  );
});
