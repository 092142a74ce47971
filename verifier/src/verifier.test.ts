// SPDX-License-Identifier: Apache-2.0

import { HOST } from "@nsattest/ns-ima";
import { type Challenge, encodeEvidence } from "@nsattest/protocol";
import { describe, expect, it } from "vitest";
import { FakeNode } from "../../test/fakes/fake-node.ts";
import { newFakeKey } from "../../test/fakes/fake-tpm.ts";
import { BUSYBOX, policyDocuments } from "../../test/fakes/verifier-bench.ts";
import { ChallengeBook } from "./challenge/challenge-book.ts";
import { parsePolicySet } from "./policy/policy-set.ts";
import type { RegisteredNode } from "./registrar-client.ts";
import { Store } from "./store/store.ts";
import { type Receipt, Verifier } from "./verifier.ts";

/** A verifier without HTTP, its store and its log. */
function setUp(store: Store = Store.open(":memory:")) {
  const node = new FakeNode();
  node.boot();
  const lines: { event: string; [field: string]: unknown }[] = [];
  const registrar = {
    answer: async (): Promise<RegisteredNode | null> => ({
      akPublic: node.registeredAk,
      ekChained: true,
    }),
    asked: 0,
  };
  let nonces = 0;
  let now = Date.parse("2026-01-02T03:04:05.000Z");
  const start = (): Verifier =>
    new Verifier({
      store,
      registrar: {
        findNode: () => {
          registrar.asked++;
          return registrar.answer();
        },
      },
      challenges: new ChallengeBook({
        randomBytes: (size) => new Uint8Array(size).fill(++nonces),
        lifetimeSeconds: 60,
        outstandingPerNode: 4,
      }),
      policies: parsePolicySet(policyDocuments()),
      log: (event, fields) => lines.push({ event, ...fields }),
      now: () => new Date(now),
      intervalSeconds: 10,
      validSeconds: 60,
      pendingSeconds: 60,
    });
  const attest = async (verifier: Verifier): Promise<Receipt> => {
    const challenge = await verifier.challenge(node.id, { bootId: node.bootId });
    return verifier.receive(node.id, encodeEvidence(node.evidence(challenge)));
  };
  const advance = (seconds: number): void => {
    now += seconds * 1000;
  };
  return { node, store, lines, registrar, start, attest, advance };
}

function offsetsOf({ listOffset, logOffset }: Challenge): Partial<Challenge> {
  return { listOffset, logOffset };
}

function fail(): never {
  throw new Error("the node is not known");
}

describe("Verifier", () => {
  it("answers with a summary and the next interval", async () => {
    const { node, start, attest } = setUp();
    node.run(node.open("web"), BUSYBOX);
    node.mark();
    expect(await attest(start())).toEqual({
      accepted: true,
      answer: { host: "affirming", namespaces: 1, nextIntervalSeconds: 10 },
    });
  });

  it("stores what is new, and only that", async () => {
    const { node, store, start, attest } = setUp();
    const verifier = start();
    await attest(verifier);
    await attest(verifier);
    expect([...store.rounds(node.id)]).toHaveLength(1);
    node.append({ path: "/pending", content: "pending" });
    await attest(verifier);
    expect([...store.rounds(node.id)]).toHaveLength(1);
    node.run(HOST, { path: "/tmp/x", content: "x" });
    node.list.splice(-2, 1);
    node.mark();
    await attest(verifier);
    expect([...store.rounds(node.id)]).toHaveLength(2);
  });

  it("knows after a restart what it knew before", async () => {
    const { node, start, attest } = setUp();
    const ns = node.open("web");
    node.run(ns, BUSYBOX);
    node.mark();
    const first = start();
    await attest(first);
    node.run(ns, { path: "/bin/bad", content: "bad" });
    node.mark();
    node.append({ path: "/pending", content: "pending" });
    await attest(first);
    expect(start().report(node.id)).toEqual(first.report(node.id));
    const request = { bootId: node.bootId };
    const [before, after] = [
      await first.challenge(node.id, request),
      await start().challenge(node.id, request),
    ];
    expect([after.listOffset, after.logOffset]).toEqual([before.listOffset, before.logOffset]);
  });

  it("writes one line for each verdict that changes", async () => {
    const { node, lines, start, attest, advance } = setUp();
    const verifier = start();
    const ns = node.open("web");
    node.run(ns, BUSYBOX);
    node.mark();
    await attest(verifier);
    await attest(verifier);
    node.run(ns, { path: "/bin/bad", content: "bad" });
    node.mark();
    await attest(verifier);
    advance(61);
    await attest(verifier);
    expect(lines.filter(({ event }) => event === "verdict")).toEqual([
      expect.objectContaining({ namespace: "host", from: null, to: "affirming", reasons: [] }),
      expect.objectContaining({ namespace: ns, from: null, to: "affirming" }),
      expect.objectContaining({
        namespace: ns,
        from: "affirming",
        to: "contraindicated",
        reasons: [expect.stringMatching(/^NOT_IN_ALLOWLIST \/bin\/bad sha256:[0-9a-f]{64}$/)],
        limits: ["BOOT_UNVERIFIED", "IMA_POLICY_UNPROVEN"],
      }),
      expect.objectContaining({ namespace: "host", from: "none", to: "affirming" }),
      expect.objectContaining({ namespace: ns, from: "none", to: "contraindicated" }),
    ]);
  });

  it("changes nothing when the outcome cannot be stored", async () => {
    const store = Store.open(":memory:");
    const { node, start, attest } = setUp(store);
    const verifier = start();
    await attest(verifier);
    node.run(node.open("web"), BUSYBOX);
    node.mark();
    const { logOffset } = await verifier.challenge(node.id, { bootId: node.bootId });
    Object.assign(store, {
      commit: () => {
        throw new Error("the disk is full");
      },
    });
    await expect(attest(verifier)).rejects.toThrow("the disk is full");
    expect((await verifier.challenge(node.id, { bootId: node.bootId })).logOffset).toBe(logOffset);
  });

  it("takes host and namespaces with it when evidence proves nothing, and nothing else", async () => {
    const { node, store, lines, start, attest } = setUp();
    const verifier = start();
    const ns = node.open("web");
    node.run(ns, BUSYBOX);
    node.mark();
    await attest(verifier);
    const { length } = [...store.rounds(node.id)];
    node.tpm.extend(13, { sha1: new Uint8Array(20), sha256: new Uint8Array(32) });
    expect(await attest(verifier)).toMatchObject({
      accepted: false,
      reason: { code: "ANCHOR_FOREIGN_EXTEND" },
    });
    for (const { node: host, namespaces } of [verifier, start()].map((v) => v.report(node.id))) {
      expect(host.quote.verified).toBe(true);
      for (const verdict of [host.host, namespaces[0]?.verdict]) {
        expect(verdict).toMatchObject({
          tier: "none",
          reasons: [{ code: "ANCHOR_FOREIGN_EXTEND" }],
        });
      }
    }
    expect([...store.rounds(node.id)]).toHaveLength(length);
    expect(lines.map(({ event }) => event)).toContain("evidence-refused");
  });

  it("begins again with a node whose stored history does not replay", async () => {
    const { node, store, lines, start, attest } = setUp();
    await attest(start());
    const round = {
      received: 0,
      policy: [...store.rounds(node.id)][0]?.policy ?? "",
      evidence: new Uint8Array(1),
      standing: "",
    };
    const { lastContact: received, validUntil } = store.findNode(node.id) ?? fail();
    store.commit({ node: node.id, received, validUntil, accepted: true, round });
    const verifier = start();
    expect(verifier.report(node.id).node.host.tier).toBe("affirming");
    expect(lines.at(-1)).toMatchObject({ event: "history-unusable", node: node.id });
    expect(await attest(verifier)).toMatchObject({ accepted: true });
    expect([...store.rounds(node.id)]).toHaveLength(1);
  });

  it("asks the registrar once, and again when quotes are by another key", async () => {
    const { node, lines, registrar, start, attest } = setUp();
    const verifier = start();
    await attest(verifier);
    await attest(verifier);
    expect(registrar.asked).toBe(1);
    const renewed = newFakeKey();
    node.tpm.ak = renewed;
    expect(await attest(verifier)).toMatchObject({ reason: { code: "QUOTE_SIGNATURE" } });
    registrar.answer = async () => Promise.reject(new Error("down"));
    expect(await attest(verifier)).toMatchObject({ reason: { code: "QUOTE_SIGNATURE" } });
    registrar.answer = async () => ({ akPublic: renewed.akPublic, ekChained: true });
    expect(await attest(verifier)).toMatchObject({ accepted: true });
    expect(lines.filter(({ event }) => event === "node-pinned")).toHaveLength(2);
    const { asked } = registrar;
    await attest(verifier);
    expect(registrar.asked).toBe(asked);
  });

  it("asks the registrar again once in a while, and does without it when it is down", async () => {
    const { node, registrar, start, attest, advance } = setUp();
    const verifier = start();
    await attest(verifier);
    expect(verifier.report(node.id).node.tpm.ekVerified).toBe(true);
    registrar.answer = async () => ({ akPublic: node.registeredAk, ekChained: false });
    advance(3599);
    await attest(verifier);
    expect(registrar.asked).toBe(1);
    advance(1);
    await attest(verifier);
    expect(registrar.asked).toBe(2);
    const { tpm, host } = verifier.report(node.id).node;
    expect(tpm.ekVerified).toBe(false);
    expect(host.limits).toContain("TPM_EK_UNCHAINED");
    registrar.answer = async () => Promise.reject(new Error("down"));
    advance(3600);
    expect(await attest(verifier)).toMatchObject({ accepted: true });
    registrar.answer = async () => null;
    advance(3600);
    await expect(attest(verifier)).rejects.toMatchObject({ code: "NODE_UNKNOWN" });
  });

  it("does not begin a history anew when the registrar answers a second challenge late", async () => {
    const { node, store, registrar, start } = setUp();
    const verifier = start();
    const request = { bootId: node.bootId };
    const answers: (() => void)[] = [];
    registrar.answer = () =>
      new Promise((resolve) =>
        answers.push(() => resolve({ akPublic: node.registeredAk, ekChained: true })),
      );
    const first = verifier.challenge(node.id, request);
    const second = verifier.challenge(node.id, request);
    answers[0]?.();
    verifier.receive(node.id, encodeEvidence(node.evidence(await first)));
    answers[1]?.();
    expect((await second).logOffset).toBe(node.batches.length);
    expect([...store.rounds(node.id)]).toHaveLength(1);
  });

  it("says nothing of a node that was challenged and never answered", async () => {
    const { node, start } = setUp();
    const verifier = start();
    await verifier.challenge(node.id, { bootId: node.bootId });
    expect(verifier.report(node.id).node).toMatchObject({
      quote: { verified: false },
      host: { tier: "none", reasons: [{ code: "NEVER_ATTESTED" }] },
    });
    expect(verifier.summaries()).toMatchObject([{ id: node.id, host: "none" }]);
  });

  // Gain: what was quoted before a restart of the node stands for the node after it.
  it("takes no evidence for a nonce from before the node claimed to be in another boot", async () => {
    const { node, lines, start } = setUp();
    const verifier = start();
    const known = { bootId: node.bootId };
    const first = await verifier.challenge(node.id, known);
    verifier.receive(node.id, encodeEvidence(node.evidence(first)));
    const early = await verifier.challenge(node.id, known);
    const claim = { bootId: "11111111-2222-4333-8444-555555555555" };
    await verifier.challenge(node.id, claim);
    const again = await verifier.challenge(node.id, claim);
    const send = (challenge: typeof early) =>
      verifier.receive(node.id, encodeEvidence(node.evidence(challenge)));
    expect(() => send(early)).toThrow(expect.objectContaining({ code: "CHALLENGE_UNKNOWN" }));
    expect(verifier.report(node.id).node).toMatchObject({
      condition: "rebooted",
      host: { tier: "none", reasons: [{ code: "NODE_REBOOTED" }] },
    });
    expect(lines.filter(({ event }) => event === "node-rebooted")).toEqual([
      { event: "node-rebooted", node: node.id, known: node.bootId, claimed: claim.bootId },
    ]);
    // Only a quote made after the claim shows that there was no reboot.
    expect(
      send({ ...again, ...offsetsOf(await verifier.challenge(node.id, known)) }),
    ).toMatchObject({
      accepted: true,
    });
    expect(verifier.report(node.id).node.condition).toBe("attested");
  });

  it("challenges no node that the registrar does not know, or cannot be asked about", async () => {
    const { node, registrar, start } = setUp();
    const request = { bootId: node.bootId };
    registrar.answer = async () => Promise.reject(new Error("down"));
    await expect(start().challenge(node.id, request)).rejects.toThrow("down");
    registrar.answer = async () => null;
    await expect(start().challenge(node.id, request)).rejects.toMatchObject({
      code: "NODE_UNKNOWN",
    });
  });

  it("knows no node that it never challenged", () => {
    const { node, start } = setUp();
    const unknown = expect.objectContaining({ code: "NODE_UNKNOWN" });
    expect(() => start().report(node.id)).toThrow(unknown);
    expect(start().summaries()).toEqual([]);
  });
});
