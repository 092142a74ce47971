// SPDX-License-Identifier: Apache-2.0

import { afterAll, beforeAll, describe, expect } from "vitest";
import { type FakeNode, flipBit } from "../fakes/fake-node.ts";
import { newFakeKey } from "../fakes/fake-tpm.ts";
import { codesOf, expectRefused, VerifierBench } from "../fakes/verifier-bench.ts";
import { attack } from "./attack.ts";

let bench: VerifierBench;
beforeAll(async () => {
  bench = await VerifierBench.start();
});
afterAll(() => bench.stop());

/** A node that is affirming. */
async function goodNode(): Promise<FakeNode> {
  const node = bench.newNode();
  expect(await bench.attest(node)).toMatchObject({ status: 200, body: { host: "affirming" } });
  return node;
}

describe("rule 1: what is checked is the verifier's choice", () => {
  attack(
    "quote-signature",
    "refuses a quote of another key",
    "root on one machine answers for another one, or for a machine that is no more, with a key of its own",
    async () => {
      const node = await goodNode();
      node.tpm.ak = newFakeKey();
      expectRefused(await bench.attest(node), "QUOTE_SIGNATURE");
      const { host, quote } = (await bench.report(node)).node;
      expect(host.tier).toBe("none");
      expect(quote.verified).toBe(false);
    },
  );

  attack(
    "node-pin",
    "asks the registrar for the key when quotes are by another, and takes no other's word",
    "whoever broke a node once keeps the key it quotes with, though the node enrolled again with a new one",
    async () => {
      const node = await goodNode();
      const renewed = newFakeKey();
      node.tpm.ak = renewed;
      expectRefused(await bench.attest(node), "QUOTE_SIGNATURE");
      expectRefused(await bench.attest(node), "QUOTE_SIGNATURE");
      node.registeredAk = renewed.akPublic;
      expect(await bench.attest(node)).toMatchObject({ status: 200, body: { host: "affirming" } });
    },
  );

  attack(
    "quote-selection",
    "refuses a quote of other PCRs",
    "PCR 10 is left out, so the list can say anything",
    async () => {
      const node = await goodNode();
      const answer = await bench.attest(node, (evidence, { nonce }) => ({
        ...evidence,
        ...node.tpm.quote(nonce, [{ bank: "sha256", pcrs: [13] }]),
      }));
      expectRefused(answer, "QUOTE_SELECTION");
    },
  );

  attack(
    "quote-selection",
    "refuses the values of other PCRs in the place of the ones that count",
    "PCRs that anybody may reset stand in for 10 and 13",
    async () => {
      const node = await goodNode();
      const answer = await bench.attest(node, (evidence, { nonce }) => ({
        ...evidence,
        ...node.tpm.quote(nonce, [{ bank: "sha256", pcrs: [16, 23] }]),
        pcrs: evidence.pcrs,
      }));
      expectRefused(answer, "QUOTE_SELECTION");
    },
  );

  attack(
    "quote-selection",
    "refuses a quote of another bank",
    "a bank with a broken hash, or one that the kernel does not extend as it should",
    async () => {
      const node = await goodNode();
      const answer = await bench.attest(node, (evidence, { nonce }) => ({
        ...evidence,
        ...node.tpm.quote(nonce, [{ bank: "sha1", pcrs: [10, 13] }]),
      }));
      expectRefused(answer, "QUOTE_SELECTION");
    },
  );

  attack(
    "quote-pcr-digest",
    "refuses PCR values that were not quoted",
    "the list is replayed to a value of the sender's choice",
    async () => {
      const node = await goodNode();
      const answer = await bench.attest(node, (evidence) => ({
        ...evidence,
        pcrs: evidence.pcrs.map((pcr) => ({ ...pcr, value: flipBit(pcr.value, 0) })),
      }));
      expectRefused(answer, "QUOTE_PCR_DIGEST");
    },
  );

  attack(
    "quote-signature",
    "refuses a quote that was changed after it was signed",
    "any field of the quote, the clock among them, is the sender's",
    async () => {
      const node = await goodNode();
      const answer = await bench.attest(node, (evidence) => ({
        ...evidence,
        attest: flipBit(evidence.attest, evidence.attest.length - 1),
      }));
      expectRefused(answer, "QUOTE_SIGNATURE");
    },
  );
});

describe("freshness", () => {
  attack(
    "challenge-once",
    "refuses evidence that was sent before",
    "one good moment, recorded, is shown for ever",
    async () => {
      const node = await goodNode();
      const challenge = await bench.challenge(node);
      const evidence = node.evidence(challenge);
      expect((await bench.submit(node, evidence)).status).toBe(200);
      expect(await bench.submit(node, evidence)).toMatchObject({
        status: 409,
        code: "CHALLENGE_UNKNOWN",
      });
      // Whoever replays can do no harm either.
      expect((await bench.report(node)).node.host.tier).toBe("affirming");
    },
  );

  attack(
    "quote-nonce",
    "refuses an old quote under a fresh nonce",
    "the same, with a fresh nonce in the message and the old one in the quote",
    async () => {
      const node = await goodNode();
      const old = node.evidence(await bench.challenge(node));
      const answer = await bench.attest(node, (_, { nonce }) => ({ ...old, nonce }));
      expectRefused(answer, "QUOTE_NONCE");
    },
  );

  attack(
    "challenge-deadline",
    "refuses a nonce that is too old",
    "a quote from before a compromise is kept and used after it",
    async () => {
      const node = await goodNode();
      const evidence = node.evidence(await bench.challenge(node));
      bench.advance(61);
      expect(await bench.submit(node, evidence)).toMatchObject({
        status: 409,
        code: "CHALLENGE_UNKNOWN",
      });
    },
  );

  attack(
    "challenge-node",
    "refuses a nonce that was given to another node",
    "a node collects nonces for another one",
    async () => {
      const [node, other] = [await goodNode(), await goodNode()];
      const evidence = node.evidence(await bench.challenge(other));
      expect(await bench.submit(node, evidence)).toMatchObject({
        status: 409,
        code: "CHALLENGE_UNKNOWN",
      });
    },
  );

  attack(
    "challenge-known",
    "refuses a nonce of the node's own making",
    "nonces that were never given out can be quoted ahead of time",
    async () => {
      const node = await goodNode();
      const challenge = await bench.challenge(node);
      const evidence = node.evidence({ ...challenge, nonce: new Uint8Array(32) });
      expect(await bench.submit(node, evidence)).toMatchObject({
        status: 409,
        code: "CHALLENGE_UNKNOWN",
      });
    },
  );

  attack(
    "boot-clock",
    "refuses a quote whose clock went back",
    "an older state of the same boot is shown again as the present one",
    async () => {
      const node = await goodNode();
      node.tpm.clock -= 500;
      expectRefused(await bench.attest(node), "QUOTE_CLOCK");
    },
  );

  attack(
    "verdict-expiry",
    "reads a verdict after its end as none",
    "a node that has turned bad stops sending, and stays good",
    async () => {
      const node = await goodNode();
      const ns = node.open("web");
      node.run(ns, { path: "/bin/busybox", content: "busybox" });
      node.mark();
      await bench.attest(node);
      bench.advance(60);
      expect((await bench.report(node)).node.host.tier).toBe("affirming");
      bench.advance(1);
      const report = await bench.report(node);
      expect(report.node.host.tier).toBe("none");
      expect(codesOf(report.node.host)).toEqual(["VERDICT_EXPIRED"]);
      expect(report.namespaces.map(({ verdict }) => codesOf(verdict))).toEqual([
        ["VERDICT_EXPIRED"],
      ]);
      const summary = await bench.send("/v1/nodes", { as: bench.serviceIdentity("operator") });
      const { nodes } = summary.body as { nodes: { id: string; host: string }[] };
      expect(nodes.find(({ id }) => id === node.id)?.host).toBe("none");
    },
  );

  attack(
    "verdict-expiry",
    "does not make a verdict younger by a restart",
    "a restart of the verifier gives an old verdict a new life",
    async () => {
      const node = await goodNode();
      bench.advance(61);
      await bench.restart();
      expect(codesOf((await bench.report(node)).node.host)).toEqual(["VERDICT_EXPIRED"]);
    },
  );
});
