// SPDX-License-Identifier: Apache-2.0

import { DEFAULT_LIST_PINS, HOST } from "@nsattest/ns-ima";
import type { Evidence } from "@nsattest/protocol";
import { describe, expect, it } from "vitest";
import { FakeNode, INIT } from "../../../test/fakes/fake-node.ts";
import { checkQuote } from "../quote/check-quote.ts";
import {
  type Authentic,
  nothingReplayed,
  type Replayed,
  replayEvidence,
} from "./replay-evidence.ts";

const NOTHING_REPLAYED = nothingReplayed(DEFAULT_LIST_PINS);

function newNode(): FakeNode {
  const node = new FakeNode();
  node.boot();
  return node;
}

function evidenceOf(node: FakeNode, { list, log }: Replayed = NOTHING_REPLAYED): Evidence {
  return node.evidence({
    nonce: new Uint8Array(32).fill(1),
    listOffset: list.bytes,
    logOffset: log.batches,
    bank: "sha256",
    pcrs: [10, 13],
    bootLog: false,
    deadline: "",
  });
}

function replay(node: FakeNode, before: Replayed, evidence: Evidence): Authentic {
  return replayEvidence(
    before,
    evidence,
    checkQuote(node.registeredAk, evidence, DEFAULT_LIST_PINS, false),
  );
}

describe("replayEvidence", () => {
  it("replays a boot from nothing and goes on from there", () => {
    const node = newNode();
    const first = replay(node, NOTHING_REPLAYED, evidenceOf(node));
    expect(first.entries.map(({ path }) => path)).toHaveLength(4);
    expect(first.events.map(({ kind }) => kind)).toEqual(["boot", "mark"]);
    expect(first.after).toMatchObject({
      list: { entries: 4, bytes: Buffer.concat(node.list).length },
      log: { batches: 1 },
    });
    node.run(HOST, { ...INIT, content: "new" });
    node.mark();
    const second = replay(node, first.after, evidenceOf(node, first.after));
    expect(second.entries.map(({ path }) => path)).toEqual([INIT.path]);
    expect(second.events.map(({ kind }) => kind)).toEqual(["exec", "measured", "mark"]);
    expect(second.after.list.entries).toBe(5);
  });

  it("changes nothing when nothing is new", () => {
    const node = newNode();
    const { after } = replay(node, NOTHING_REPLAYED, evidenceOf(node));
    const again = replay(node, after, evidenceOf(node, after));
    expect(again).toMatchObject({ after, entries: [], events: [] });
  });

  it("leaves over what was not extended when the TPM quoted, whole records and parts", () => {
    const node = newNode();
    const bytes = Buffer.concat(node.list).length;
    const pending = node.append({ ...INIT, content: "pending" });
    node.list.push(pending.subarray(0, 30));
    const { after, entries } = replay(node, NOTHING_REPLAYED, evidenceOf(node));
    expect(entries).toHaveLength(4);
    expect(after.list).toMatchObject({ entries: 4, bytes });
  });

  it.each<[string, (evidence: Evidence) => Evidence, string]>([
    ["another place in the list", (e) => ({ ...e, listOffset: 1 }), "EVIDENCE_OFFSET"],
    ["another place in the log", (e) => ({ ...e, logOffset: 1 }), "EVIDENCE_OFFSET"],
    ["a list that is not one", (e) => ({ ...e, list: Buffer.alloc(8, 0xff) }), "LIST_PCR"],
    ["a list too short", (e) => ({ ...e, list: Buffer.alloc(0) }), "LIST_REPLAY_MISMATCH"],
    ["a log too short", (e) => ({ ...e, batches: [] }), "ANCHOR_FOREIGN_EXTEND"],
    ["an empty batch", (e) => ({ ...e, batches: [...e.batches, []] }), "LOG_BATCH_EMPTY"],
  ])("refuses %s", (_, tamper, code) => {
    const node = newNode();
    const evidence = tamper(evidenceOf(node));
    expect(() => replay(node, NOTHING_REPLAYED, evidence)).toThrow(
      expect.objectContaining({ code }),
    );
  });
});
