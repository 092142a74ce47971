// SPDX-License-Identifier: Apache-2.0

import { randomUUID } from "node:crypto";
import { HOST, type LogBatch, type LogRecord, type NamespaceEvent } from "@nsattest/ns-ima";
import { decodeEvent, type Evidence, encodeEvent } from "@nsattest/protocol";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type FakeNode, flipBit } from "../fakes/fake-node.ts";
import {
  BUSYBOX,
  codesOf,
  expectRefused,
  namespaceOf,
  VerifierBench,
} from "../fakes/verifier-bench.ts";
import { attack } from "./attack.ts";

let bench: VerifierBench;
beforeAll(async () => {
  bench = await VerifierBench.start();
});
afterAll(() => bench.stop());

const SOMETHING = { sha1: new Uint8Array(20), sha256: new Uint8Array(32) };
const DROPPED = { path: "/bin/dropped", content: "dropped" };

/** A node with a container that has executed something its policy does not allow, in a batch of its own. */
function badNode(): FakeNode {
  const node = bench.newNode();
  const ns = node.open("web");
  node.run(ns, BUSYBOX);
  node.mark();
  node.run(ns, DROPPED);
  node.mark();
  return node;
}

/** A log that was tampered with proves nothing; the true one, sent afterwards, still tells what happened. */
async function expectLogRefused(
  tamper: (batches: readonly LogBatch[]) => LogBatch[],
): Promise<void> {
  const node = badNode();
  const answer = await bench.attest(node, (evidence) => withBatches(evidence, tamper));
  expectRefused(answer, "ANCHOR_FOREIGN_EXTEND");
  expect(codesOf((await bench.report(node)).node.host)).toEqual(["ANCHOR_FOREIGN_EXTEND"]);
  await bench.attest(node);
  expect(namespaceOf(await bench.report(node), "web").verdict.tier).toBe("contraindicated");
}

function withBatches(
  evidence: Evidence,
  tamper: (batches: readonly LogBatch[]) => LogBatch[],
): Evidence {
  return { ...evidence, batches: tamper(evidence.batches) };
}

/** Something is anchored that an honest monitor would not write; nothing of that round may count. */
async function expectAnchoredRefused(node: FakeNode, code: string): Promise<void> {
  node.mark();
  expectRefused(await bench.attest(node), code);
  expect(codesOf((await bench.report(node)).node.host)).toEqual([code]);
}

describe("rule 8: what was anchored stays", () => {
  attack(
    "log-replay",
    "refuses a log without one of its batches",
    "what a container executed is taken back",
    async () => {
      await expectLogRefused((batches) => batches.slice(0, -1));
      await expectLogRefused((batches) => batches.toSpliced(1, 1));
    },
  );

  attack(
    "log-replay",
    "refuses an altered record",
    "the execution is still there, but of another file",
    async () => {
      await expectLogRefused((batches) =>
        batches.with(
          -1,
          (batches.at(-1) ?? []).map((record) => ({ ...record, salt: flipBit(record.salt, 0) })),
        ),
      );
    },
  );

  attack(
    "log-replay",
    "refuses batches and records in another order",
    "a claim moves before the mark that it came too late for",
    async () => {
      await expectLogRefused((batches) => batches.toReversed());
      await expectLogRefused((batches) => batches.map((batch) => batch.toReversed()));
    },
  );

  attack(
    "log-replay",
    "refuses records that move from one batch into another",
    "batches are cut differently, so that a part can be left out later",
    async () => {
      await expectLogRefused((batches) => [batches.flat()]);
    },
  );

  attack(
    "log-replay",
    "refuses an execution and a claim that were moved to another namespace",
    "one container's execution is put on another one's account",
    async () => {
      const node = bench.newNode();
      const [victim, attacker] = [node.open("victim"), node.open("attacker")];
      node.run(victim, BUSYBOX);
      node.run(attacker, DROPPED);
      node.mark();
      const moved = (record: LogRecord): LogRecord => {
        const event = { ...decodeEvent(record.event), ns: victim } as NamespaceEvent;
        const isMoved = event.kind === "exec" || event.kind === "measured";
        const tag = node.tags.get(victim) ?? record.tag;
        return isMoved ? { ...record, tag, event: encodeEvent(event) } : record;
      };
      const answer = await bench.attest(node, (evidence) =>
        withBatches(evidence, (batches) => batches.map((batch) => batch.map(moved))),
      );
      expectRefused(answer, "ANCHOR_FOREIGN_EXTEND");
      await bench.attest(node);
      const report = await bench.report(node);
      expect(namespaceOf(report, "victim").verdict.tier).toBe("affirming");
      expect(namespaceOf(report, "attacker").verdict.tier).toBe("contraindicated");
    },
  );

  attack(
    "log-replay",
    "refuses a PCR 13 that somebody else has extended",
    "the monitor's rule that only it extends PCR 13 is broken by anybody with a TPM device, unnoticed",
    async () => {
      const node = bench.newNode();
      await bench.attest(node);
      node.tpm.extend(13, SOMETHING);
      expectRefused(await bench.attest(node), "ANCHOR_FOREIGN_EXTEND");
      // Until a reboot.
      expectRefused(await bench.attest(node), "ANCHOR_FOREIGN_EXTEND");
      node.boot();
      expect(await bench.attest(node)).toMatchObject({ status: 200, body: { host: "affirming" } });
    },
  );

  attack(
    "log-baseline-name",
    "refuses a log that begins over a PCR 13 that was not zero",
    "whoever extended PCR 13 first writes the beginning of the log",
    async () => {
      const node = bench.newNode();
      node.powerOn();
      node.tpm.extend(13, SOMETHING);
      node.startLog();
      await expectAnchoredRefused(node, "ANCHOR_BASELINE");
    },
  );

  attack(
    "log-replay",
    "refuses a log that begins over such a PCR 13 and says that it was zero",
    "the same, and the log does not say so",
    async () => {
      const node = bench.newNode();
      node.powerOn();
      node.tpm.extend(13, SOMETHING);
      node.startLog({ baseline: new Uint8Array(32) });
      await expectAnchoredRefused(node, "ANCHOR_FOREIGN_EXTEND");
    },
  );

  attack(
    "log-baseline",
    "refuses a log that says PCR 13 was not zero, though it was",
    "whatever the baseline of zeros is good for, this log does not say it",
    async () => {
      const node = bench.newNode();
      node.boot({ baseline: new Uint8Array(32).fill(1) });
      expectRefused(await bench.attest(node), "ANCHOR_BASELINE");
    },
  );

  attack(
    "log-boot",
    "refuses a second boot event",
    "after a restart of the monitor everything so far is the host's again",
    async () => {
      const node = bench.newNode();
      await bench.attest(node);
      const [first] = node.batches[0] ?? [];
      if (first) node.records.push(first);
      await expectAnchoredRefused(node, "LOG_BOOT");
    },
  );

  attack(
    "log-boot",
    "refuses a log without a boot event",
    "a log without a beginning says nothing of its baseline and its boot",
    async () => {
      const node = bench.newNode();
      node.powerOn();
      node.open("web");
      await expectAnchoredRefused(node, "LOG_BOOT");
    },
  );

  attack(
    "log-tag-reused",
    "refuses a tag that is used again",
    "whoever holds one namespace's part of the log can be shown events of another one as its own",
    async () => {
      const node = bench.newNode();
      const first = node.open("first");
      node.open("second", { tag: node.tags.get(first) ?? new Uint8Array(32) });
      await expectAnchoredRefused(node, "LOG_TAG_REUSED");
    },
  );

  attack(
    "log-tag-foreign",
    "refuses an event under another namespace's tag",
    "the namespace's owner is not shown the event, for it has another one's tag",
    async () => {
      const node = bench.newNode();
      const [first, second] = [node.open("first"), node.open("second")];
      const digest = { algorithm: "sha256", value: new Uint8Array(32).fill(1) };
      node.write(
        { kind: "exec", ns: first, how: "exec", path: "/x", digest, fsMagic: 0, file: 0, flags: 0 },
        node.tags.get(second),
      );
      await expectAnchoredRefused(node, "LOG_TAG_FOREIGN");
    },
  );

  attack(
    "log-namespace-unknown",
    "refuses an event of a namespace that was not opened",
    "executions of a container nobody has heard of are on nobody's account",
    async () => {
      const node = bench.newNode();
      node.execute("web/1", BUSYBOX);
      await expectAnchoredRefused(node, "LOG_NAMESPACE_UNKNOWN");
    },
  );

  // Two checks stand for this, in the log and in the join, so that no forgery shows that one of them is gone.
  it("refuses a namespace that is opened twice", async () => {
    const node = bench.newNode();
    const ns = node.open("web");
    node.execute(ns, DROPPED);
    node.open("web", { ns });
    await expectAnchoredRefused(node, "LOG_NAMESPACE_REOPENED");
  });

  // Several checks stand for this, one behind the other: what cannot be read is not passed over.
  it("refuses an event that cannot be read", async () => {
    const node = bench.newNode();
    const tag = node.tags.get(HOST) ?? new Uint8Array(32);
    node.records.push({ tag, salt: new Uint8Array(32), event: Buffer.from("not an event") });
    node.mark();
    expect(await bench.attest(node)).toMatchObject({ status: 422 });
    expect((await bench.report(node)).node.host.tier).toBe("none");
  });
});

describe("one boot is not another", () => {
  attack(
    "boot-event",
    "refuses evidence of another boot",
    "list and log of a better day, under a quote of today",
    async () => {
      const node = bench.newNode();
      node.boot({ bootId: randomUUID() });
      expectRefused(await bench.attest(node), "EVIDENCE_OTHER_BOOT");
      node.boot({ resetCount: node.tpm.resetCount });
      expectRefused(await bench.attest(node), "EVIDENCE_OTHER_BOOT");
      node.boot();
      expect(await bench.attest(node)).toMatchObject({ status: 200, body: { host: "affirming" } });
    },
  );

  attack(
    "boot-restart",
    "refuses another boot id under the same reset count, until a reboot",
    "kexec starts a kernel of the attacker's, with a list that begins anew, under the old PCRs",
    async () => {
      const node = bench.newNode();
      await bench.attest(node);
      const before = node.bootId;
      node.bootId = randomUUID();
      expectRefused(await bench.attest(node), "ANCHOR_RESTART");
      expectRefused(await bench.attest(node), "ANCHOR_RESTART");
      node.bootId = before;
      node.boot();
      expect(await bench.attest(node)).toMatchObject({ status: 200, body: { host: "affirming" } });
    },
  );

  attack(
    "boot-event-restart",
    "refuses a machine that slept, also when the verifier has not seen it awake",
    "memory is changed on disk while the machine hibernates",
    async () => {
      const node = bench.newNode();
      await bench.attest(node);
      node.tpm.sleep();
      expectRefused(await bench.attest(node), "ANCHOR_RESTART");
      const fresh = bench.newNode();
      fresh.tpm.restartCount++;
      expectRefused(await bench.attest(fresh), "ANCHOR_RESTART");
    },
  );

  attack(
    "boot-id-again",
    "refuses another reset count under the same boot id",
    "the TPM is reset under a running kernel and fed with a history of the attacker's choice",
    async () => {
      const node = bench.newNode();
      await bench.attest(node);
      node.tpm.resetCount++;
      expectRefused(await bench.attest(node), "ANCHOR_RESTART");
    },
  );

  // Gain, if this failed: an honest node could never come back.
  it("takes a reboot for what it is, and forgets what was before", async () => {
    const node = badNode();
    await bench.attest(node);
    node.boot();
    expect(await bench.attest(node)).toMatchObject({
      status: 200,
      body: { host: "affirming", namespaces: 0 },
    });
  });

  attack(
    "history-restored",
    "goes on from what was stored after a restart of the verifier, and keeps what was found",
    "a compromised host waits for the verifier's restart and gives another account of what was anchored",
    async () => {
      const node = badNode();
      await bench.attest(node);
      await bench.restart();
      expect(codesOf(namespaceOf(await bench.report(node), "web").verdict)).toEqual([
        "NOT_IN_ALLOWLIST",
      ]);
      const { logOffset, listOffset } = await bench.challenge(node);
      expect(logOffset).toBe(node.batches.length);
      expect(listOffset).toBe(Buffer.concat(node.list).length);
      node.tpm.clock += 10;
      expect(await bench.attest(node)).toMatchObject({ status: 200 });
      expect(namespaceOf(await bench.report(node), "web").verdict.tier).toBe("contraindicated");
      node.bootId = randomUUID();
      expectRefused(await bench.attest(node), "ANCHOR_RESTART");
    },
  );
});
