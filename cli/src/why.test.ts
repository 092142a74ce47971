// SPDX-License-Identifier: Apache-2.0

import { HOST } from "@nsattest/ns-ima";
import { decodeExplanation, type Explanation } from "@nsattest/protocol";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type FakeNode, IMAGE, INIT } from "../../test/fakes/fake-node.ts";
import { BUSYBOX, digestText, runtimePolicy, TOOL } from "../../test/fakes/verifier-bench.ts";
import { CommandBench } from "../test/command-bench.ts";
import { why } from "./why.ts";

const OTHER_IMAGE = `sha256:${"0c".repeat(32)}`;
const UNBOUND_IMAGE = `sha256:${"0d".repeat(32)}`;
const SERVER = { path: "/usr/bin/server", content: "server" };

let bench: CommandBench;
let node: FakeNode;

beforeAll(async () => {
  bench = await CommandBench.start({
    policies: {
      "namespace-policies.json": {
        policies: [
          { image: IMAGE, runtimePolicy: "busybox.json" },
          { image: OTHER_IMAGE, runtimePolicy: "server.json" },
        ],
      },
      "server.json": runtimePolicy([SERVER]),
    },
  });
  node = bench.verifier.newNode();
  const clean = node.open("clean");
  node.run(clean, BUSYBOX);
  const tampered = node.open("tampered");
  node.execute(tampered, BUSYBOX);
  node.mark();
  await bench.verifier.attest(node);

  bench.verifier.advance(10);
  const dropped = { path: "/bin/drop\x1bped", content: "dropped" };
  node.run(tampered, dropped);
  node.execute(tampered, dropped, { how: "map" });
  node.run(tampered, { ...BUSYBOX, content: "changed" });
  node.execute(tampered, { ...BUSYBOX, path: "/tmp/copy" });
  node.run(tampered, { path: "/srv/server", content: "server" });
  const neighbour = node.open("neighbour");
  node.execute(neighbour, dropped);
  const unbound = node.open("unbound", { labels: [["image", UNBOUND_IMAGE]] });
  node.execute(unbound, BUSYBOX);
  node.open("idle");
  node.mark();
  await bench.verifier.attest(node);
});
afterAll(() => bench.stop());

async function explain(name: string): Promise<Explanation> {
  const { out } = await bench.run(why, [name, "--json"]);
  return decodeExplanation(JSON.parse(out));
}

describe("nsattest why", () => {
  it("says of each finding what was seen, expected and listed nearby", async () => {
    const { namespace, image, verdict, findings } = await explain("tampered");
    expect([namespace, image, verdict.tier]).toEqual(["tampered/2", IMAGE, "contraindicated"]);
    const received = bench.verifier.now.toISOString();
    const digest = (content: string) => expect.objectContaining({ digest: digestText(content) });
    expect(findings).toMatchObject([
      {
        reason: { code: "NOT_IN_ALLOWLIST", path: "/bin/drop\\x1bped" },
        since: { received, policy: expect.stringMatching(/^[0-9a-f]{64}$/) },
        seen: ["exec", "map"],
        expected: [],
        near: [],
        others: ["neighbour/3"],
      },
      {
        reason: digest("changed"),
        seen: ["exec"],
        expected: [digestText(BUSYBOX.content)],
        near: [],
        others: [],
      },
      {
        reason: digest("busybox"),
        expected: [],
        near: [{ where: "this-policy", owner: IMAGE, path: BUSYBOX.path }],
        others: ["clean/1", "unbound/4"],
      },
      {
        reason: digest("server"),
        expected: [],
        near: [{ where: "other-policy", owner: OTHER_IMAGE, path: SERVER.path }],
      },
    ]);
  });

  it("says it in words", async () => {
    const { code, out } = await bench.run(why, ["tampered"]);
    expect(code).toBe(4);
    expect(out).toContain(`tampered/2 (tampered) on node ${node.id} is contraindicated`);
    expect(out).toContain("1. NOT_IN_ALLOWLIST /bin/drop\\x1bped\n");
    expect(out).toContain("expected    the policy does not list this path\n");
    expect(out).toContain("nearest     no policy lists this content, under any path\n");
    expect(out).toContain("also ran in neighbour/3\n");
    expect(out).toContain(`2. DIGEST_MISMATCH ${BUSYBOX.path}`);
    expect(out).toContain(`expected    ${digestText(BUSYBOX.content)}`);
    expect(out).toContain(`nearest     the same content is listed here as ${BUSYBOX.path}`);
    expect(out).toContain(
      `nearest     the same content is listed for the image sha256:0c0c0c0c0c0c, as`,
    );
    expect(out).toMatch(/^ {5}next {8}\S/m);
    expect(out).toContain("What the verdict does not cover:\n  BOOT_UNVERIFIED\n");
    expect(out).not.toContain("\x1b");
  });

  it("says of what is affirming that nothing speaks against it", async () => {
    const { code, out } = await bench.run(why, ["clean"]);
    expect([code, out]).toEqual([0, expect.stringContaining("Nothing speaks against it.")]);
    const { owners } = await explain("clean");
    expect(owners).toMatchObject({ own: 1, host: 4, namespaces: 4, unowned: 0, pending: 0 });
  });

  it("says what to do where there is no finding", async () => {
    const unbound = await bench.run(why, ["unbound"]);
    expect(unbound.code).toBe(3);
    expect(unbound.out).toContain("1. POLICY_MISSING\n");
    expect(unbound.out).toContain(`no policy is bound to ${UNBOUND_IMAGE}`);
    expect(unbound.out).toContain("namespace-policies.json");
    expect((await bench.run(why, ["idle"])).out).toContain("1. NO_EXECUTIONS\n");
  });

  it("knows a namespace by id, container, and the beginning of it, and the host", async () => {
    for (const name of ["tampered/2", "tampered", "tamper"]) {
      expect((await explain(name)).namespace).toBe("tampered/2");
    }
    const host = await bench.run(why, ["host", "--node", node.id]);
    expect(host.code).toBe(0);
    expect(host.out).toContain(`host on node ${node.id} is affirming`);
  });

  it("names what there is when there is no such namespace", async () => {
    await expect(bench.run(why, ["tmapered"])).rejects.toMatchObject({
      code: "NAMESPACE_UNKNOWN",
      message: expect.stringContaining("did you mean tampered/2 (tampered) on "),
    });
    await expect(bench.run(why, ["zzzzzzzz"])).rejects.toMatchObject({
      message: expect.stringMatching(/there is host on .*, clean\/1 \(clean\) on /),
    });
  });

  it.each([[[]], [["a", "b"]], [["a", "--nope"]]])("refuses the arguments %j", async (args) => {
    await expect(bench.run(why, args)).rejects.toMatchObject({ code: "USAGE" });
  });

  it("says how it is used", async () => {
    const { code, out } = await bench.run(why, ["--help"]);
    expect([code, out]).toEqual([0, expect.stringContaining("Usage: nsattest why NAMESPACE")]);
  });

  // Last: the node does not come back from it.
  it("explains the host, and evidence that proves nothing", async () => {
    node.run(HOST, { ...INIT, content: "another init" });
    node.measure({ path: "/tmp/unowned", content: "unowned" });
    node.run(node.open("root", { privileged: ["host-root"] }), { path: "/x", content: "x" });
    node.mark();
    await bench.verifier.attest(node);
    const { findings, verdict } = await explain("host");
    expect(verdict.tier).toBe("contraindicated");
    expect(findings).toMatchObject([
      { reason: { code: "ENTRY_UNOWNED" }, seen: ["list"], expected: [] },
      {
        reason: { code: "DIGEST_MISMATCH", path: INIT.path },
        seen: ["exec", "list"],
        expected: [digestText(INIT.content)],
      },
      { reason: { code: "NOT_IN_ALLOWLIST", path: "/x" }, seen: ["exec", "list"] },
    ]);
    expect((await bench.run(why, ["clean"])).out).toContain("nsattest why host");

    node.tpm.extend(13, { sha1: new Uint8Array(20), sha256: new Uint8Array(32) });
    await bench.verifier.attest(node);
    const foreign = await explain("clean");
    expect(foreign.findings).toMatchObject([
      { reason: { code: "ANCHOR_FOREIGN_EXTEND" }, since: null, expected: null, seen: [] },
    ]);
    bench.verifier.advance(3600);
    const { code, out } = await bench.run(why, ["clean"]);
    expect([code, out]).toEqual([3, expect.stringContaining("is none")]);
  });

  it("tells an ambiguous name, and takes the one that runs", async () => {
    const second = bench.verifier.newNode();
    const old = second.open("twice");
    second.run(old, TOOL);
    second.write({ kind: "ns-close", ns: old, reason: "exited", executions: 1 });
    const running = second.open("twice");
    second.run(running, TOOL);
    second.mark();
    await bench.verifier.attest(second);
    expect((await explain("twice")).namespace).toBe(running);
    await expect(bench.run(why, ["host"])).rejects.toMatchObject({
      code: "NAMESPACE_AMBIGUOUS",
      message: expect.stringContaining("add --node ID: host on "),
    });
    second.open("twice");
    second.mark();
    await bench.verifier.attest(second);
    await expect(bench.run(why, ["twice"])).rejects.toMatchObject({
      code: "NAMESPACE_AMBIGUOUS",
      message: expect.stringContaining("name one of the ids: twice/"),
    });
  });
});
