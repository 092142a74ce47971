// SPDX-License-Identifier: Apache-2.0

import { HOST } from "@nsattest/ns-ima";
import type { Evidence } from "@nsattest/protocol";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type FakeNode, IMA_POLICY, INIT, listRecord, MONITOR } from "../fakes/fake-node.ts";
import { BUSYBOX, codesOf, expectRefused, VerifierBench } from "../fakes/verifier-bench.ts";
import { attack } from "./attack.ts";

let bench: VerifierBench;
beforeAll(async () => {
  bench = await VerifierBench.start();
});
afterAll(() => bench.stop());

const AGGREGATE = { path: "boot_aggregate", content: "PCRs 0 to 9" };
const ZERO_DIGEST = { algorithm: "sha256", value: new Uint8Array(32) };
const ROOTKIT = { path: "/usr/bin/rootkit", content: "rootkit" };

/** A node whose host has executed something that its policy does not allow. */
function badNode(): FakeNode {
  const node = bench.newNode();
  node.run(HOST, ROOTKIT);
  node.mark();
  return node;
}

/** The evidence with other records for the node's list. */
function withRecords(evidence: Evidence, records: readonly Uint8Array[]): Evidence {
  return { ...evidence, list: Buffer.concat(records) };
}

/** A list that was tampered with proves nothing; the true one, sent afterwards, still tells what happened. */
async function expectListRefused(
  node: FakeNode,
  tamper: (evidence: Evidence) => Evidence,
  code = "LIST_REPLAY_MISMATCH",
): Promise<void> {
  expectRefused(await bench.attest(node, tamper), code);
  expect((await bench.report(node)).node.host).toMatchObject({ tier: "none", reasons: [{ code }] });
  expect(await bench.attest(node)).toMatchObject({
    status: 200,
    body: { host: "contraindicated" },
  });
}

describe("the host list is what PCR 10 proves", () => {
  attack(
    "list-replay",
    "refuses an altered entry",
    "a rootkit is given the digest of a program that is allowed",
    async () => {
      const node = badNode();
      await expectListRefused(node, (evidence) =>
        withRecords(evidence, node.list.with(-1, listRecord(INIT))),
      );
    },
  );

  attack(
    "list-digest",
    "refuses an entry that does not have its digest",
    "the same by changing the bytes alone, without their digest",
    async () => {
      const node = badNode();
      await expectListRefused(
        node,
        (evidence) => {
          const list = new Uint8Array(evidence.list);
          list.set(Buffer.from("/usr/bin/roundup"), Buffer.from(list).indexOf("/usr/bin/rootkit"));
          return { ...evidence, list };
        },
        "LIST_TEMPLATE_DIGEST",
      );
    },
  );

  attack(
    "list-replay",
    "refuses a list without one of its entries",
    "what ran is not mentioned",
    async () => {
      const node = badNode();
      await expectListRefused(node, (evidence) => withRecords(evidence, node.list.slice(0, -1)));
      const other = badNode();
      await expectListRefused(other, (evidence) =>
        withRecords(evidence, other.list.toSpliced(2, 1)),
      );
    },
  );

  attack(
    "list-replay",
    "refuses a list in another order",
    "an entry moves below the length at attach, where everything is the host's",
    async () => {
      const node = badNode();
      await expectListRefused(
        node,
        (evidence) => withRecords(evidence, node.list.toReversed()),
        "LIST_HEAD_MISSING",
      );
    },
  );

  attack(
    "list-pcr-foreign",
    "refuses a record that is said to be of another PCR",
    "a record of another PCR is skipped by the replay, and taken for proven",
    async () => {
      const node = badNode();
      await expectListRefused(
        node,
        (evidence) => {
          const list = new Uint8Array(evidence.list);
          list[0] = 11;
          return { ...evidence, list };
        },
        "LIST_PCR_UNSUPPORTED",
      );
    },
  );

  attack(
    "evidence-proven",
    "takes nothing from records that were appended but never extended",
    "invented records of allowed programs are taken for measured ones, such as our own programs",
    async () => {
      const node = bench.newNode();
      const measured = node.list.length;
      node.append({ path: "/usr/lib/nsattest/other.cjs", content: "invented" });
      expect(await bench.attest(node)).toMatchObject({ status: 200, body: { host: "affirming" } });
      expect((await bench.report(node)).hostList).toMatchObject({ entries: measured, pending: 0 });
      const challenge = await bench.challenge(node);
      expect(challenge.listOffset).toBe(Buffer.concat(node.list.slice(0, measured)).length);
    },
  );

  attack(
    "list-template",
    "refuses a template it does not know",
    "a template nobody judges carries the execution",
    async () => {
      const node = bench.newNode();
      const [record] = node.list;
      const renamed = new Uint8Array(record ?? []);
      renamed.set(Buffer.from("ima-xyz"), 28);
      await bench.attest(node, (evidence) => withRecords(evidence, [renamed]));
      expect((await bench.report(node)).node.host).toMatchObject({
        tier: "none",
        reasons: [{ code: "LIST_TEMPLATE_UNSUPPORTED" }],
      });
    },
  );

  attack(
    "evidence-offset",
    "refuses a list that does not begin where the last one ended, and changes no verdict",
    "the same bytes are counted twice, or a part is left out between two rounds",
    async () => {
      const node = bench.newNode();
      await bench.attest(node);
      node.run(HOST, { path: "/sbin/init", content: "init" });
      node.mark();
      const all = Buffer.concat(node.list);
      const answer = await bench.attest(node, (evidence) => ({
        ...evidence,
        listOffset: 0,
        list: all,
      }));
      expect(answer).toMatchObject({ status: 409, code: "EVIDENCE_OFFSET" });
      expect((await bench.report(node)).node.host.tier).toBe("affirming");
    },
  );

  attack(
    "list-replay",
    "refuses an empty list where PCR 10 has moved on",
    "a node that stops sending its list keeps the verdict of the last one it sent",
    async () => {
      const node = badNode();
      await expectListRefused(node, (evidence) => withRecords(evidence, []));
    },
  );

  attack(
    "verdict-aggregate",
    "says nothing of a node whose list is empty",
    "nothing was measured at all, so nothing speaks against the node",
    async () => {
      const node = bench.newNode();
      node.boot({}, []);
      expect(await bench.attest(node)).toMatchObject({ status: 200, body: { host: "none" } });
      expect(codesOf((await bench.report(node)).node.host)).toContain("BOOT_AGGREGATE");
    },
  );

  // Gain: root removes the oldest records before anybody reads them (kernel 7.2 lets it), and a list without its
  // beginning is replayed from a value that root extended first.
  it.each([
    ["another file", INIT],
    ["an aggregate of zeros", { ...AGGREGATE, entry: { digest: ZERO_DIGEST } }],
    ["a violation", { ...AGGREGATE, entry: { digest: null } }],
  ])("says nothing of a list that begins with %s", async (_, first) => {
    const node = bench.newNode();
    node.boot({}, [first, AGGREGATE, IMA_POLICY, MONITOR]);
    expect(await bench.attest(node)).toMatchObject({ status: 200 });
    const { host } = (await bench.report(node)).node;
    expect(["none", "contraindicated"]).toContain(host.tier);
    expect(codesOf(host)).toContain("BOOT_AGGREGATE");
  });

  attack(
    "log-replay",
    "keeps nothing of evidence of which one half is good",
    "list and log are taken from two moments, and the execution falls between them",
    async () => {
      const node = bench.newNode();
      await bench.attest(node);
      const before = await bench.challenge(node);
      const ns = node.open("web");
      node.run(ns, BUSYBOX);
      node.mark();
      expectRefused(
        await bench.attest(node, (evidence) => ({ ...evidence, batches: [] })),
        "ANCHOR_FOREIGN_EXTEND",
      );
      const after = await bench.challenge(node);
      expect([after.listOffset, after.logOffset]).toEqual([before.listOffset, before.logOffset]);
      expect(await bench.attest(node)).toMatchObject({ status: 200, body: { namespaces: 1 } });
    },
  );
});
