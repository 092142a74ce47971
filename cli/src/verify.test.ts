// SPDX-License-Identifier: Apache-2.0

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { HOST } from "@nsattest/ns-ima";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { INIT } from "../../test/fakes/fake-node.ts";
import {
  BUSYBOX,
  PENDING_SECONDS,
  policyDocuments,
  runtimePolicy,
} from "../../test/fakes/verifier-bench.ts";
import { CommandBench } from "../test/command-bench.ts";
import { akOf, BAD, EvidenceBench, historyIn, sha256 } from "../test/evidence-bench.ts";
import { verify } from "./verify.ts";

let sources: EvidenceBench;
let bench: CommandBench;

beforeAll(async () => {
  sources = await EvidenceBench.start();
  bench = sources.commands;
});
afterAll(() => sources.stop());

describe("nsattest verify", () => {
  it("proves what the verifier said, round by round", async () => {
    const run = await bench.run(verify, [
      sources.file(sources.clean),
      ...sources.pins(sources.clean),
    ]);
    expect(run.code).toBe(0);
    expect(run.out).toContain(`key      ${akOf(sources.clean)}\n`);
    expect(run.out.match(/^ {2}[123] .* affirming .* same$/gm)).toHaveLength(3);
    expect(run.out).toContain("all 3 quotes are signed by the key");
    expect(run.out).toContain("FRESHNESS_UNPROVEN");
    expect(run.out).not.toContain("UNPINNED");
  });

  it("gives the same as JSON", async () => {
    const run = await bench.run(verify, [
      sources.file(sources.tampered),
      ...sources.pins(sources.tampered),
      "--json",
    ]);
    expect(run.code).toBe(4);
    expect(historyIn(run)).toMatchObject({
      node: sources.tampered.id,
      ak: { digest: akOf(sources.tampered), pinned: true },
      rounds: [
        { bootId: sources.tampered.bootId, verdicts: { host: "affirming" }, differences: [] },
        { verdicts: { host: "affirming", "web/1": "affirming" }, differences: [] },
        { verdicts: { host: "affirming", "web/1": "contraindicated" }, differences: [] },
      ],
      contradictions: [],
      refusal: null,
      outcome: {
        standing: {
          namespaces: { "web/1": { reasons: [{ code: "NOT_IN_ALLOWLIST", path: BAD.path }] } },
        },
      },
      limits: ["FRESHNESS_UNPROVEN"],
    });
  });

  it("takes what a bundle says of its key and policies for what it is", async () => {
    const run = await bench.run(verify, [sources.file(sources.clean)]);
    expect(run.code).toBe(3);
    expect(run.out).toContain("NOT pinned");
    expect(run.out).toMatch(/AK_UNPINNED: .*--ak/);
    expect(run.out).toMatch(/POLICY_UNPINNED: .*--policy/);
    const pinned = await bench.run(verify, [
      sources.file(sources.clean),
      "--ak",
      akOf(sources.clean),
      "--json",
    ]);
    expect(pinned.code).toBe(3);
    expect(historyIn(pinned)).toMatchObject({ limits: ["POLICY_UNPINNED", "FRESHNESS_UNPROVEN"] });
  });

  it("knows a key by file, digest and name", async () => {
    const size = Buffer.alloc(2);
    size.writeUInt16BE(sources.clean.registeredAk.length);
    const keys = [
      `000b${sha256(sources.clean.registeredAk)}`,
      bench.write("tpmt", sources.clean.registeredAk),
      bench.write("tpm2b", Buffer.concat([size, sources.clean.registeredAk])),
    ];
    const [, , ...policy] = sources.pins(sources.clean);
    for (const key of keys) {
      const run = await bench.run(verify, [sources.file(sources.clean), "--ak", key, ...policy]);
      expect(run.code, key).toBe(0);
    }
    const both = [
      sources.file(sources.clean),
      sources.file(sources.tampered),
      "--ak",
      akOf(sources.clean),
      ...policy,
    ];
    expect((await bench.run(verify, both)).out).toContain("AK_MISMATCH");
    expect((await bench.run(verify, [...both, "--ak", akOf(sources.tampered)])).code).toBe(4);
    await expect(
      bench.run(verify, [sources.file(sources.clean), "--ak", bench.write("no-key", "x")]),
    ).rejects.toMatchObject({ code: "FILE" });
  });

  it("judges by other policies when told to", async () => {
    const folder = bench.file("policies");
    mkdirSync(folder);
    for (const [name, text] of policyDocuments({ "busybox.json": runtimePolicy([BAD, BUSYBOX]) })) {
      writeFileSync(join(folder, name), text);
    }
    const args = [
      sources.file(sources.tampered),
      "--ak",
      akOf(sources.tampered),
      "--policies",
      folder,
    ];
    const run = await bench.run(verify, [...args, "--json"]);
    expect(run.code).toBe(0);
    expect(historyIn(run)).toMatchObject({
      rounds: [{}, {}, { verdicts: { "web/1": "contraindicated" } }],
      outcome: { standing: { namespaces: { "web/1": { tier: "affirming" } } } },
      limits: ["FRESHNESS_UNPROVEN"],
    });
  });

  it("checks a database that a verifier has open, without pins", async () => {
    const args = ["--database", bench.verifier.database, "--node", sources.clean.id];
    const one = await bench.run(verify, args);
    expect(one.code).toBe(0);
    expect(one.out).not.toContain("UNPINNED");
    const all = await bench.run(verify, ["--database", bench.verifier.database, "--json"]);
    expect(all.code).toBe(4);
    expect(JSON.parse(all.out)).toMatchObject({
      histories: [{ contradictions: [] }, { contradictions: [] }],
    });
  });

  it("leads to the same verdicts over restarts, other policies, late marks and refused evidence", async () => {
    const own = await CommandBench.start();
    try {
      const node = own.verifier.newNode();
      const ns = node.open("web");
      node.run(ns, BUSYBOX);
      node.mark();
      await own.verifier.attest(node);
      node.run(ns, BAD);
      node.mark();
      await own.verifier.restart({ policies: { "busybox.json": runtimePolicy([BAD]) } });
      await own.verifier.attest(node);
      node.measure({ path: "/late", content: "late" });
      node.anchor();
      await own.verifier.attest(node, (sent) => ({ ...sent, signature: new Uint8Array(9) }));
      await own.verifier.attest(node);
      own.verifier.advance(PENDING_SECONDS + 1);
      await own.verifier.attest(node);
      node.run(ns, { path: "/bin/worse", content: "worse" });
      node.mark();
      await own.verifier.restart({ policies: {} });
      await own.verifier.attest(node);
      const run = await own.run(verify, ["--database", own.verifier.database, "--json"]);
      const history = historyIn(run);
      expect(history).toMatchObject({ refusal: null, contradictions: [] });
      const rounds = history["rounds"] as { policy: string; verdicts: Record<string, string> }[];
      expect(rounds.length).toBeGreaterThan(3);
      expect(new Set(rounds.map(({ policy }) => policy)).size).toBe(2);
      expect(new Set(rounds.map(({ verdicts }) => verdicts["host"])).size).toBeGreaterThan(1);
      const late = ["--database", own.verifier.database, "--pending-seconds", "9999", "--json"];
      const other = await own.run(verify, late);
      expect(other.code).toBe(4);
      expect(historyIn(other)).toMatchObject({
        contradictions: [
          {
            code: "STANDING_DIFFERS",
            detail: "round 4, host: stored is none, proven is affirming",
          },
          { code: "STANDING_DIFFERS" },
        ],
      });
    } finally {
      await own.stop();
    }
  });

  it("leaves rounds out of a long history in which nothing changed, in text", async () => {
    const node = bench.verifier.newNode();
    for (let round = 0; round < 15; round++) {
      node.execute(HOST, INIT, { fsMagic: round });
      node.mark();
      await bench.verifier.attest(node);
    }
    const run = await bench.run(verify, ["--database", bench.verifier.database, "--node", node.id]);
    expect(run.out).toMatch(
      /^ {2}1 .*$\n^ {2}15 .*$\n^ {2}and 13 rounds in which no verdict changed$/m,
    );
  });

  it("says how it is used", async () => {
    const { code, out } = await bench.run(verify, ["--help"]);
    expect([code, out]).toEqual([0, expect.stringContaining("Usage: nsattest verify FILE")]);
  });

  it.each([
    [[]],
    [["--nope"]],
    [["x", "--database", "y"]],
    [["x", "--node", "y"]],
    [["--database", "x", "--ak", "y"]],
    [["x", "--policy", "latest"]],
    [["--database", "x", "--pending-seconds", "soon"]],
  ])("refuses the arguments %j", async (args) => {
    await expect(bench.run(verify, args)).rejects.toMatchObject({ code: "USAGE" });
  });

  it("fails for what it cannot read", async () => {
    await expect(bench.run(verify, [bench.file("none")])).rejects.toMatchObject({ code: "FILE" });
    const failed = { code: "STORE_FAILED" };
    await expect(bench.run(verify, ["--database", bench.file("none")])).rejects.toMatchObject(
      failed,
    );
    const unknown = ["--database", bench.verifier.database, "--node", "nobody"];
    await expect(bench.run(verify, unknown)).rejects.toMatchObject({ code: "USAGE" });
  });
});
