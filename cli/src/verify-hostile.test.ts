// SPDX-License-Identifier: Apache-2.0

import { truncateSync } from "node:fs";
import { BUNDLE_MAX, decodeBundle, type EvidenceBundle, encodeBundle } from "@nsattest/protocol";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { newFakeKey } from "../../test/fakes/fake-tpm.ts";
import { BUSYBOX, policyDocuments, runtimePolicy } from "../../test/fakes/verifier-bench.ts";
import type { CommandBench, CommandRun } from "../test/command-bench.ts";
import { BAD, EvidenceBench, historyIn, sha256 } from "../test/evidence-bench.ts";
import { evidence } from "./evidence.ts";
import { verify } from "./verify.ts";

let sources: EvidenceBench;
let bench: CommandBench;
let honest: EvidenceBundle;

beforeAll(async () => {
  sources = await EvidenceBench.start();
  bench = sources.commands;
  honest = sources.bundle(sources.clean);
});
afterAll(() => sources.stop());

/** The outcome for a bundle that somebody has changed. */
async function verifyChanged(
  change: (bundle: EvidenceBundle) => Partial<EvidenceBundle>,
): Promise<CommandRun> {
  const file = bench.write("x.cbor", encodeBundle({ ...honest, ...change(honest) }));
  return bench.run(verify, [file, ...sources.pins(sources.clean), "--json"]);
}

describe("a hostile bundle is refused", () => {
  const refused = (code: string) => ({ refusal: { code }, outcome: null });
  const rounds = (change: (all: EvidenceBundle["rounds"]) => EvidenceBundle["rounds"]) =>
    verifyChanged((bundle) => ({ rounds: change(bundle.rounds) }));

  it("when it is cut", async () => {
    const file = bench.write("cut.cbor", encodeBundle(honest).slice(0, -1));
    const run = await bench.run(verify, [file, ...sources.pins(sources.clean)]);
    expect(run.code).toBe(3);
    expect(run.out).toContain("REFUSED\n    CBOR_MALFORMED");
  });

  it("when it is too large, unread", async () => {
    const file = bench.write("large.cbor", "");
    truncateSync(file, BUNDLE_MAX + 1);
    expect((await bench.run(verify, [file])).out).toContain("MESSAGE_TOO_LARGE");
  });

  it("when it has no round", async () => {
    const run = await rounds(() => []);
    expect([run.code, historyIn(run)]).toMatchObject([3, refused("HISTORY_EMPTY")]);
  });

  it("when rounds are swapped, left out or repeated", async () => {
    const changed = [
      await rounds(([a, b, c]) => [a, c, b].flatMap((round) => round ?? [])),
      await rounds(([a, , c]) => [a, c].flatMap((round) => round ?? [])),
      await rounds(([a, b]) => [a, b, b].flatMap((round) => round ?? [])),
      await rounds(([, ...rest]) => rest),
    ];
    for (const run of changed) {
      expect([run.code, historyIn(run)]).toMatchObject([3, refused("EVIDENCE_OFFSET")]);
    }
  });

  it("when a round is of another boot", async () => {
    sources.clean.boot();
    await bench.verifier.attest(sources.clean);
    const { bytes } = await bench.run(evidence, [sources.clean.id]);
    const [later] = decodeBundle(bytes).rounds;
    const run = await rounds((all) => [...all, ...(later ? [later] : [])]);
    expect([run.code, historyIn(run)]).toMatchObject([3, refused("ROUND_OTHER_BOOT")]);
  });

  it("when its evidence is changed", async () => {
    const run = await rounds((all) =>
      all.map((round, index) => {
        if (index !== 1) return round;
        const text = Buffer.from(round.evidence).toString("latin1");
        return { ...round, evidence: Buffer.from(text.replace("busybox", "busyb0x"), "latin1") };
      }),
    );
    expect([run.code, historyIn(run)]).toMatchObject([
      3,
      { refusal: { code: expect.stringMatching(/^LIST_|^ANCHOR_/) }, outcome: null },
    ]);
  });

  it("when it is of another key", async () => {
    const { akPublic } = newFakeKey();
    const run = await verifyChanged(() => ({ akPublic }));
    expect([run.code, historyIn(run)]).toMatchObject([3, refused("AK_MISMATCH")]);
    const unpinned = await bench.run(verify, [bench.file("x.cbor"), "--json"]);
    expect([unpinned.code, historyIn(unpinned)]).toMatchObject([3, refused("QUOTE_SIGNATURE")]);
  });

  it("when a verdict in it is another", async () => {
    const run = await rounds((all) =>
      all.map((round, index) => {
        if (index !== 1) return round;
        const host = { ...round.standing.host, tier: "warning" } as const;
        return { ...round, standing: { ...round.standing, host, namespaces: {} } };
      }),
    );
    expect([run.code, historyIn(run)]).toMatchObject([
      4,
      {
        refusal: null,
        contradictions: [
          {
            code: "STANDING_DIFFERS",
            detail: "round 2, host: stored is warning, proven is affirming",
          },
          {
            code: "STANDING_DIFFERS",
            detail: "round 2, web/1: stored is nothing, proven is affirming",
          },
        ],
      },
    ]);
    const text = await bench.run(verify, [bench.file("x.cbor"), ...sources.pins(sources.clean)]);
    expect(text.out).toMatch(/^ {2}2 .* OTHER$/m);
  });

  it.each([
    ["another text", '{"node-policy.json":""}'],
    ["no object", "[]"],
    ["no texts", '{"a.json":{}}'],
    ["no JSON", "{"],
  ])("when a policy is %s, whether its version fits or not", async (_, documents) => {
    const [policy] = honest.policies;
    const { version = "" } = policy ?? {};
    const edited = await verifyChanged(() => ({ policies: [{ version, documents }] }));
    expect([edited.code, historyIn(edited)]).toMatchObject([3, refused("POLICY_ALTERED")]);
    const renamed = await verifyChanged(({ rounds: all }) => ({
      policies: [{ version: sha256(documents), documents }],
      rounds: all.map((round) => ({ ...round, policy: sha256(documents) })),
    }));
    const { code = "" } = (historyIn(renamed)["refusal"] ?? {}) as { code?: string };
    expect([renamed.code, code]).toEqual([3, expect.stringMatching(/^POLICY_/)]);
  });

  it("as far as a policy of somebody else's making goes", async () => {
    const documents = JSON.stringify(
      Object.fromEntries(
        [...policyDocuments({ "busybox.json": runtimePolicy([BAD, BUSYBOX]) })].sort(),
      ),
    );
    const lie = sources.bundle(sources.tampered);
    const rounds = lie.rounds.map((round) => ({
      ...round,
      policy: sha256(documents),
      standing: honest.rounds[1]?.standing ?? round.standing,
    }));
    const policies = [{ version: sha256(documents), documents }];
    const first = lie.rounds[0]?.standing;
    const [a, ...rest] = rounds;
    const forged = { ...lie, policies, rounds: [{ ...a, standing: first }, ...rest] };
    const file = bench.write("lie.cbor", encodeBundle(forged as EvidenceBundle));
    const run = await bench.run(verify, [file, ...sources.pins(sources.tampered), "--json"]);
    expect([run.code, historyIn(run)]).toMatchObject([
      3,
      { refusal: null, contradictions: [], limits: ["POLICY_UNPINNED", "FRESHNESS_UNPROVEN"] },
    ]);
  });
});
