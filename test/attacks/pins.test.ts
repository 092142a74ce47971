// SPDX-License-Identifier: Apache-2.0

import { HOST } from "@nsattest/ns-ima";
import { afterAll, afterEach, beforeAll, describe, expect } from "vitest";
import { type FakeNode, listRecord } from "../fakes/fake-node.ts";
import {
  BUSYBOX,
  expectRefused,
  namespaceOf,
  policyDocuments,
  VerifierBench,
} from "../fakes/verifier-bench.ts";
import { attack } from "./attack.ts";

let bench: VerifierBench;
beforeAll(async () => {
  bench = await VerifierBench.start();
});
afterEach(() => bench.restart({ policies: {} }));
afterAll(() => bench.stop());

const NODE_POLICY = JSON.parse(policyDocuments().get("node-policy.json") ?? "{}") as object;
const INVENTED = { path: "/usr/lib/nsattest/invented.cjs", content: "invented" };

/** The verifier starts again and pins something else. */
function pin(measurement: object): Promise<void> {
  return bench.restart({ policies: { "node-policy.json": { ...NODE_POLICY, measurement } } });
}

/** A node whose kernel extends SHA-1 digests into all banks. */
function paddedNode(): FakeNode {
  const node = bench.newNode();
  node.paddedSha1 = true;
  node.boot();
  return node;
}

describe("banks and PCRs are the verifier's choice, whatever they are", () => {
  attack(
    "quote-selection",
    "refuses a quote of SHA-256 where SHA-384 is pinned, and of a PCR less",
    "the node chooses the weakest bank that it has, or the PCR that it has not spoiled",
    async () => {
      await pin({ bank: "sha384", pcrs: [10, 11] });
      const node = bench.newNode();
      expect(await bench.challenge(node)).toMatchObject({ bank: "sha384", pcrs: [10, 11, 13] });
      for (const selection of [
        { bank: "sha256", pcrs: [10, 11, 13] },
        { bank: "sha384", pcrs: [10, 13] },
      ] as const) {
        const answer = await bench.attest(node, (evidence, { nonce }) => ({
          ...evidence,
          ...node.tpm.quote(nonce, [selection]),
        }));
        expectRefused(answer, "QUOTE_SELECTION");
      }
      expect(await bench.attest(node)).toMatchObject({ status: 200, body: { host: "affirming" } });
    },
  );

  attack(
    "list-pcr-all",
    "refuses a record of another pinned PCR that was never extended",
    "records are added between the true ones, under a PCR of which the node extended nothing",
    async () => {
      await pin({ pcrs: [10, 11] });
      const node = bench.newNode();
      const records = node.list.toSpliced(-1, 0, listRecord(INVENTED, { pcr: 11 }));
      const list = Buffer.concat(records);
      expectRefused(
        await bench.attest(node, (evidence) => ({ ...evidence, list })),
        "LIST_REPLAY_MISMATCH",
      );
    },
  );

  attack(
    "list-padded",
    "refuses a bank that was extended with SHA-1, unless that is pinned",
    "the node boots a kernel that knows no SHA-256, and two files with one SHA-1 are the same file",
    async () => {
      expectRefused(await bench.attest(paddedNode()), "LIST_REPLAY_MISMATCH");
    },
  );

  attack(
    "verdict-sha1",
    "says of a list that SHA-1 alone vouches for that it does",
    "a bank that looks like SHA-256 is taken for one",
    async () => {
      await pin({ paddedSha1: true });
      const node = paddedNode();
      node.run(node.open("web"), BUSYBOX);
      node.mark();
      expect(await bench.attest(node)).toMatchObject({ status: 200, body: { host: "affirming" } });
      const report = await bench.report(node);
      for (const { limits } of [report.node.host, namespaceOf(report, "web").verdict]) {
        expect(limits).toContain("LIST_SHA1");
      }
    },
  );

  attack(
    "boot-pins",
    "has everything proven again when the pins have changed",
    "what was proven by a weak bank stays proven after the operator has pinned a strong one",
    async () => {
      await pin({ bank: "sha1" });
      const node = bench.newNode();
      expect(await bench.attest(node)).toMatchObject({ status: 200 });
      await pin({ bank: "sha256" });
      expect(await bench.challenge(node)).toMatchObject({ listOffset: 0, logOffset: 0 });
      expect(await bench.attest(node)).toMatchObject({ status: 200, body: { host: "affirming" } });
      expect((await bench.report(node)).node.host.limits).not.toContain("LIST_SHA1");
      node.run(HOST, INVENTED);
      node.mark();
      expect(await bench.attest(node)).toMatchObject({ body: { host: "contraindicated" } });
    },
  );
});
