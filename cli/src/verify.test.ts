// SPDX-License-Identifier: Apache-2.0

import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { HOST } from "@nsattest/ns-ima";
import { BUNDLE_MAX, decodeBundle, type EvidenceBundle, encodeBundle } from "@nsattest/protocol";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FakeNode, INIT } from "../../test/fakes/fake-node.ts";
import { newFakeKey } from "../../test/fakes/fake-tpm.ts";
import {
  BUSYBOX,
  PENDING_SECONDS,
  policyDocuments,
  runtimePolicy,
} from "../../test/fakes/verifier-bench.ts";
import { CommandBench, type CommandRun } from "../test/command-bench.ts";
import { evidence } from "./evidence.ts";
import { verify } from "./verify.ts";

const BAD = { path: "/bin/bad", content: "bad" };

let bench: CommandBench;
/** Affirming, with three rounds. */
let clean: FakeNode;
/** Its last round brings a finding. */
let tampered: FakeNode;
let cleanBundle: EvidenceBundle;

const sha256 = (data: string | Uint8Array): string =>
  createHash("sha256").update(data).digest("hex");
const akOf = (node: FakeNode): string => `sha256:${sha256(node.registeredAk)}`;
const bundleFile = (node: FakeNode): string => bench.file(`${node.id}.cbor`);

async function threeRounds(
  node: FakeNode,
  last: { readonly path: string; readonly content: string },
): Promise<FakeNode> {
  bench.verifier.nodes.set(node.id, node);
  node.boot();
  await bench.verifier.attest(node);
  const ns = node.open("web");
  for (const file of [BUSYBOX, last]) {
    node.run(ns, file);
    node.mark();
    await bench.verifier.attest(node);
  }
  await bench.run(evidence, [node.id, "--output", bundleFile(node)]);
  return node;
}

beforeAll(async () => {
  bench = await CommandBench.start();
  clean = await threeRounds(new FakeNode(), BUSYBOX);
  tampered = await threeRounds(new FakeNode(undefined, newFakeKey()), BAD);
  cleanBundle = decodeBundle(readFileSync(bundleFile(clean)));
});
afterAll(() => bench.stop());

/** Everything that a careful person pins. */
function pins(node: FakeNode): string[] {
  const { policies } = decodeBundle(readFileSync(bundleFile(node)));
  return ["--ak", akOf(node), ...policies.flatMap(({ version }) => ["--policy", version])];
}

/** The outcome for a bundle that somebody has changed. */
async function verifyChanged(
  change: (bundle: EvidenceBundle) => Partial<EvidenceBundle>,
): Promise<CommandRun> {
  const file = bench.write("x.cbor", encodeBundle({ ...cleanBundle, ...change(cleanBundle) }));
  return bench.run(verify, [file, ...pins(clean), "--json"]);
}

function historyIn({ out }: CommandRun) {
  const { histories } = JSON.parse(out) as { histories: Record<string, unknown>[] };
  return histories[0] ?? {};
}

describe("nsattest evidence", () => {
  it("writes what the verifier stored, for its owner alone to read", async () => {
    expect(cleanBundle).toMatchObject({ node: clean.id, pendingSeconds: 120 });
    expect(cleanBundle.rounds).toHaveLength(3);
    expect(cleanBundle.policies).toHaveLength(1);
    expect(statSync(bundleFile(clean)).mode & 0o777).toBe(0o600);
    const piped = await bench.run(evidence, [clean.id]);
    expect(Buffer.from(piped.bytes).equals(readFileSync(bundleFile(clean)))).toBe(true);
    expect(piped.out).toBe("");
  });

  it("writes no bytes to a terminal, and nothing where it cannot", async () => {
    await expect(bench.run(evidence, [clean.id], { terminal: true })).rejects.toMatchObject({
      code: "TERMINAL",
    });
    const nowhere = join(bench.folder, "none", "x");
    await expect(bench.run(evidence, [clean.id, "--output", nowhere])).rejects.toMatchObject({
      code: "FILE",
    });
  });

  it("says what the verifier says of a node that it does not know", async () => {
    const unknown = "f49dc252-9d68-4752-a07d-a6f80480bb92";
    await expect(bench.run(evidence, [unknown])).rejects.toMatchObject({
      code: "VERIFIER_REFUSED",
      message: expect.stringContaining("NODE_UNKNOWN"),
    });
  });

  it.each([[[]], [["a", "b"]], [["--nope"]]])("refuses the arguments %j", async (args) => {
    await expect(bench.run(evidence, args)).rejects.toMatchObject({ code: "USAGE" });
  });

  it("says how it is used", async () => {
    const { code, out } = await bench.run(evidence, ["--help"]);
    expect([code, out]).toEqual([0, expect.stringContaining("Usage: nsattest evidence")]);
  });
});

describe("nsattest verify", () => {
  it("proves what the verifier said, round by round", async () => {
    const run = await bench.run(verify, [bundleFile(clean), ...pins(clean)]);
    expect(run.code).toBe(0);
    expect(run.out).toContain(`key      ${akOf(clean)}\n`);
    expect(run.out.match(/^ {2}[123] .* affirming .* same$/gm)).toHaveLength(3);
    expect(run.out).toContain("all 3 quotes are signed by the key");
    expect(run.out).toContain("FRESHNESS_UNPROVEN");
    expect(run.out).not.toContain("UNPINNED");
  });

  it("gives the same as JSON", async () => {
    const run = await bench.run(verify, [bundleFile(tampered), ...pins(tampered), "--json"]);
    expect(run.code).toBe(4);
    expect(historyIn(run)).toMatchObject({
      node: tampered.id,
      ak: { digest: akOf(tampered), pinned: true },
      rounds: [
        { bootId: tampered.bootId, verdicts: { host: "affirming" }, differences: [] },
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
    const run = await bench.run(verify, [bundleFile(clean)]);
    expect(run.code).toBe(3);
    expect(run.out).toContain("NOT pinned");
    expect(run.out).toMatch(/AK_UNPINNED: .*--ak/);
    expect(run.out).toMatch(/POLICY_UNPINNED: .*--policy/);
    const pinned = await bench.run(verify, [bundleFile(clean), "--ak", akOf(clean), "--json"]);
    expect(pinned.code).toBe(3);
    expect(historyIn(pinned)).toMatchObject({ limits: ["POLICY_UNPINNED", "FRESHNESS_UNPROVEN"] });
  });

  it("knows a key by file, digest and name", async () => {
    const size = Buffer.alloc(2);
    size.writeUInt16BE(clean.registeredAk.length);
    const keys = [
      `000b${sha256(clean.registeredAk)}`,
      bench.write("tpmt", clean.registeredAk),
      bench.write("tpm2b", Buffer.concat([size, clean.registeredAk])),
    ];
    const [, , ...policy] = pins(clean);
    for (const key of keys) {
      const run = await bench.run(verify, [bundleFile(clean), "--ak", key, ...policy]);
      expect(run.code, key).toBe(0);
    }
    const both = [bundleFile(clean), bundleFile(tampered), "--ak", akOf(clean), ...policy];
    expect((await bench.run(verify, both)).out).toContain("AK_MISMATCH");
    expect((await bench.run(verify, [...both, "--ak", akOf(tampered)])).code).toBe(4);
    await expect(
      bench.run(verify, [bundleFile(clean), "--ak", bench.write("no-key", "x")]),
    ).rejects.toMatchObject({ code: "FILE" });
  });

  it("judges by other policies when told to", async () => {
    const folder = bench.file("policies");
    mkdirSync(folder);
    for (const [name, text] of policyDocuments({ "busybox.json": runtimePolicy([BAD, BUSYBOX]) })) {
      writeFileSync(join(folder, name), text);
    }
    const args = [bundleFile(tampered), "--ak", akOf(tampered), "--policies", folder];
    const run = await bench.run(verify, [...args, "--json"]);
    expect(run.code).toBe(0);
    expect(historyIn(run)).toMatchObject({
      rounds: [{}, {}, { verdicts: { "web/1": "contraindicated" } }],
      outcome: { standing: { namespaces: { "web/1": { tier: "affirming" } } } },
      limits: ["FRESHNESS_UNPROVEN"],
    });
  });

  it("checks a database that a verifier has open, without pins", async () => {
    const args = ["--database", bench.verifier.database, "--node", clean.id];
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

describe("a hostile bundle is refused", () => {
  const refused = (code: string) => ({ refusal: { code }, outcome: null });
  const rounds = (change: (all: EvidenceBundle["rounds"]) => EvidenceBundle["rounds"]) =>
    verifyChanged((bundle) => ({ rounds: change(bundle.rounds) }));

  it("when it is cut", async () => {
    const file = bench.write("cut.cbor", encodeBundle(cleanBundle).slice(0, -1));
    const run = await bench.run(verify, [file, ...pins(clean)]);
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
    clean.boot();
    await bench.verifier.attest(clean);
    const { bytes } = await bench.run(evidence, [clean.id]);
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
    const text = await bench.run(verify, [bench.file("x.cbor"), ...pins(clean)]);
    expect(text.out).toMatch(/^ {2}2 .* OTHER$/m);
  });

  it.each([
    ["another text", '{"node-policy.json":""}'],
    ["no object", "[]"],
    ["no texts", '{"a.json":{}}'],
    ["no JSON", "{"],
  ])("when a policy is %s, whether its version fits or not", async (_, documents) => {
    const [policy] = cleanBundle.policies;
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
    const lie = decodeBundle(readFileSync(bundleFile(tampered)));
    const rounds = lie.rounds.map((round) => ({
      ...round,
      policy: sha256(documents),
      standing: cleanBundle.rounds[1]?.standing ?? round.standing,
    }));
    const policies = [{ version: sha256(documents), documents }];
    const first = lie.rounds[0]?.standing;
    const [a, ...rest] = rounds;
    const forged = { ...lie, policies, rounds: [{ ...a, standing: first }, ...rest] };
    const file = bench.write("lie.cbor", encodeBundle(forged as EvidenceBundle));
    const run = await bench.run(verify, [file, ...pins(tampered), "--json"]);
    expect([run.code, historyIn(run)]).toMatchObject([
      3,
      { refusal: null, contradictions: [], limits: ["POLICY_UNPINNED", "FRESHNESS_UNPROVEN"] },
    ]);
  });
});
