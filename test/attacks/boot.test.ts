// SPDX-License-Identifier: Apache-2.0

import { encodeEventLog } from "@nsattest/tpm";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import {
  bootPolicy,
  COMMAND_LINE,
  commandLineEvent,
  type FakeBootEvent,
  FIRMWARE,
  GOOD_BOOT,
  INITRD,
  KERNEL,
  measuredEvent,
  referenceEvent,
  SECURE_BOOT,
} from "../fakes/fake-boot.ts";
import { type FakeNode, IMA_POLICY, INIT, MONITOR } from "../fakes/fake-node.ts";
import { codesOf, expectRefused, VerifierBench } from "../fakes/verifier-bench.ts";
import { attack } from "./attack.ts";

const BOOT_POLICY = "boot-policy.json";

let bench: VerifierBench;
let node: FakeNode;
beforeAll(async () => {
  bench = await VerifierBench.start();
});
beforeEach(async () => {
  await expectBoot(bootPolicy());
  node = bench.newNode();
});
afterEach(() => bench.restart({ policies: {} }));
afterAll(() => bench.stop());

/** The verifier starts again and expects another boot. */
function expectBoot(policy: object): Promise<void> {
  return bench.restart({ policies: { [BOOT_POLICY]: policy } });
}

/** The node is started again, and other things are measured. */
function bootWith(events: readonly FakeBootEvent[]): void {
  node.bootEvents = events;
  node.boot();
}

/** {@link GOOD_BOOT} with one thing exchanged. */
function swapped(one: FakeBootEvent, content: FakeBootEvent["content"]): readonly FakeBootEvent[] {
  return GOOD_BOOT.map((event) => (event === one ? { ...event, content } : event));
}

async function hostAfterRound(): Promise<{
  readonly tier: string;
  readonly codes: readonly string[];
  readonly details: string;
  readonly limits: readonly string[];
}> {
  expect(await bench.attest(node)).toMatchObject({ status: 200 });
  const { host } = (await bench.report(node)).node;
  const details = host.reasons.map(({ detail }) => detail).join("; ");
  return { tier: host.tier, codes: codesOf(host), details, limits: host.limits };
}

/** A log that nobody measured. */
function logOf(events: readonly FakeBootEvent[]): Uint8Array {
  return encodeEventLog({ banks: ["sha256"], events: events.map(measuredEvent) });
}

describe("what was booted", () => {
  it("is affirmed with nothing left open, in every round and after a restart of the verifier", async () => {
    const good = { tier: "affirming", codes: [], details: "", limits: [] };
    expect(await bench.challenge(node)).toMatchObject({
      pcrs: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 14, 10, 13],
      bootLog: true,
    });
    expect(await hostAfterRound()).toEqual(good);
    expect((await bench.challenge(node)).bootLog).toBe(false);
    expect(await hostAfterRound()).toEqual(good);
    await bench.restart();
    expect((await bench.challenge(node)).bootLog).toBe(false);
    expect(await hostAfterRound()).toEqual(good);
    expect((await bench.report(node)).node.quote.pcrs).toContain(14);
  });

  attack(
    "boot-event-unexpected",
    "contraindicates another firmware, kernel, initial file system, command line and secure boot, by name",
    "a kernel that measures only what its owner likes says that all is well",
    async () => {
      const line = GOOD_BOOT.find(({ text }) => text === "LOADED_IMAGE::LoadOptions") ?? KERNEL;
      for (const [event, name] of [
        [FIRMWARE, "PCR 0 EV_S_CRTM_VERSION"],
        [SECURE_BOOT, "PCR 7 EV_EFI_VARIABLE_DRIVER_CONFIG SecureBoot"],
        [KERNEL, "PCR 4 EV_EFI_BOOT_SERVICES_APPLICATION kernel"],
        [INITRD, "PCR 9 EV_EVENT_TAG Linux initrd"],
        [line, "PCR 9 EV_EVENT_TAG LOADED_IMAGE::LoadOptions"],
      ] as const) {
        bootWith(swapped(event, "something else"));
        const { tier, codes, details } = await hostAfterRound();
        expect([tier, codes]).toEqual(["contraindicated", ["BOOT_EVENT_UNEXPECTED"]]);
        expect(details).toContain(name);
      }
      bootWith(GOOD_BOOT);
      expect((await hostAfterRound()).tier).toBe("affirming");
    },
  );

  attack(
    "boot-event-unexpected",
    "contraindicates something that was booted in between",
    "a program of the attacker's runs before the kernel, and changes it in memory",
    async () => {
      bootWith([...GOOD_BOOT, { ...KERNEL, text: "loader", content: "loader" }]);
      const { tier, details } = await hostAfterRound();
      expect(tier).toBe("contraindicated");
      expect(details).toContain("EV_EFI_BOOT_SERVICES_APPLICATION loader");
    },
  );

  attack(
    "boot-event-missing",
    "contraindicates a boot in which something was not measured",
    "the setting that allows only signed kernels is not there, and nobody asks for it",
    async () => {
      bootWith(GOOD_BOOT.filter((event) => event !== SECURE_BOOT));
      const { tier, codes, details } = await hostAfterRound();
      expect([tier, codes]).toEqual(["contraindicated", ["BOOT_EVENT_MISSING"]]);
      expect(details).toContain("PCR 7 EV_EFI_VARIABLE_DRIVER_CONFIG SecureBoot");
    },
  );

  attack(
    "boot-aggregate",
    "contraindicates a list whose aggregate is of another boot",
    "the PCRs are brought to good values after IMA has begun in another kernel",
    async () => {
      node.boot({}, [{ path: "boot_aggregate", content: "others" }, IMA_POLICY, INIT, MONITOR]);
      const { tier, codes } = await hostAfterRound();
      expect([tier, codes]).toEqual(["contraindicated", ["BOOT_AGGREGATE_MISMATCH"]]);
    },
  );

  attack(
    "boot-reference-node",
    "holds a node to its own reference, not to that of the others",
    "a node that may boot one kernel only boots any that some other node may boot",
    async () => {
      const own = { ...KERNEL, content: "kernel of this node" };
      const { references } = bootPolicy() as { references: { events: object[] }[] };
      const events = references[0]?.events.map((event) =>
        (event as { what?: string }).what === KERNEL.text ? referenceEvent(own) : event,
      );
      await expectBoot({
        references: [...references, { name: "own", nodes: [node.id], events }],
      });
      expect(await hostAfterRound()).toMatchObject({
        tier: "contraindicated",
        codes: ["BOOT_EVENT_UNEXPECTED"],
      });
      bootWith(swapped(KERNEL, own.content));
      expect((await hostAfterRound()).tier).toBe("affirming");
    },
  );
});

describe("the log of a boot", () => {
  attack(
    "boot-log-replay",
    "is refused when it is of another boot, has an event less, or its events in another order",
    "a node boots what it likes and sends the log of a good boot",
    async () => {
      bootWith(swapped(KERNEL, "evil"));
      const [first = KERNEL, ...rest] = GOOD_BOOT;
      for (const events of [GOOD_BOOT, rest, [...rest, first].toReversed(), []]) {
        node.bootLog = logOf(events);
        expectRefused(await bench.attest(node), "BOOT_LOG_MISMATCH");
        expect((await bench.report(node)).node.host.tier).toBe("none");
      }
    },
  );

  attack(
    "boot-log-replay",
    "no longer counts when something extends a PCR of the boot later",
    "another kernel is started from the first one and measures itself as one does",
    async () => {
      expect((await hostAfterRound()).tier).toBe("affirming");
      node.tpm.extend(4, { sha256: new Uint8Array(32).fill(1) });
      expectRefused(await bench.attest(node), "BOOT_LOG_MISMATCH");
      expect(codesOf((await bench.report(node)).node.host)).toEqual(["BOOT_LOG_MISMATCH"]);
    },
  );

  attack(
    "boot-log-missing",
    "is missed where one is expected",
    "a node keeps its log to itself, and nobody can say what it booted",
    async () => {
      node.bootLog = null;
      expect(await hostAfterRound()).toMatchObject({
        tier: "none",
        codes: ["BOOT_LOG_MISSING"],
        limits: ["BOOT_UNVERIFIED", "IMA_POLICY_UNPROVEN"],
      });
      expect((await bench.challenge(node)).bootLog).toBe(true);
    },
  );

  attack(
    "boot-log-bank",
    "is refused without digests of the bank that is quoted, or when it is none",
    "a log of weaker digests is taken for one in which nothing happened",
    async () => {
      const events = GOOD_BOOT.map(measuredEvent);
      node.bootLog = encodeEventLog({ banks: ["sha1"], events });
      expectRefused(await bench.attest(node), "BOOT_LOG_MALFORMED");
      node.bootLog = new Uint8Array([1, 2, 3]);
      expectRefused(await bench.attest(node), "BOOT_LOG_MALFORMED");
    },
  );
});

describe("without a proof", () => {
  attack(
    "boot-limits",
    "a boot that nobody checks is called that, whatever the node sends",
    "a verdict looks like one about a machine whose kernel is known",
    async () => {
      await bench.restart({ policies: {} });
      expect(await bench.challenge(node)).toMatchObject({ pcrs: [10, 13], bootLog: false });
      const answer = await bench.attest(node, (evidence) => ({
        ...evidence,
        bootLog: node.bootLog,
      }));
      expect(answer.status).toBe(200);
      expect((await bench.report(node)).node.host).toMatchObject({
        tier: "affirming",
        limits: ["BOOT_UNVERIFIED", "IMA_POLICY_UNPROVEN"],
      });
    },
  );

  attack(
    "boot-ima-policy",
    "the IMA policy is not proven by its entry alone",
    "root reads the good policy's file, which is measured, and loads another one, which is not",
    async () => {
      const line = COMMAND_LINE.replace("ima_policy=tcb", "quiet");
      const { references } = bootPolicy() as { references: { events: object[] }[] };
      const [reference = { events: [] }] = references;
      const others = reference.events.filter((event) => !("commandLines" in event));
      const own = { pcr: 9, type: "EV_EVENT_TAG", commandLines: [line] };
      await expectBoot({ references: [{ ...reference, events: [...others, own] }] });
      bootWith([FIRMWARE, SECURE_BOOT, KERNEL, commandLineEvent(line), INITRD]);
      expect(await hostAfterRound()).toMatchObject({
        tier: "affirming",
        limits: ["IMA_POLICY_UNPROVEN"],
      });
    },
  );

  it("nor by the command line alone", async () => {
    node.boot({}, [{ path: "boot_aggregate", content: "" }, INIT, MONITOR]);
    expect(await hostAfterRound()).toMatchObject({
      tier: "affirming",
      limits: ["IMA_POLICY_UNPROVEN"],
    });
  });
});
