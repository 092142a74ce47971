// SPDX-License-Identifier: Apache-2.0

import { EventFlag, HOST } from "@nsattest/ns-ima";
import { digest } from "@nsattest/tpm";
import { afterAll, beforeAll, describe, expect } from "vitest";
import {
  type FakeNode,
  IMA_POLICY,
  IMAGE,
  INIT,
  MONITOR,
  ON_HOST,
  RUNC,
} from "../fakes/fake-node.ts";
import {
  BUSYBOX,
  codesOf,
  expectRefused,
  namespaceOf,
  TOOL,
  VerifierBench,
} from "../fakes/verifier-bench.ts";
import { attack } from "./attack.ts";

let bench: VerifierBench;
beforeAll(async () => {
  bench = await VerifierBench.start();
});
afterAll(() => bench.stop());

const ROOTKIT = { path: "/usr/bin/rootkit", content: "rootkit" };
const ZEROS = new Uint8Array(32);
const VIOLATION = { digest: null };

/** Marks, sends, and says what is thought of the host and of the containers named. */
async function verdictsOf(node: FakeNode, ...names: readonly string[]): Promise<string[][]> {
  node.mark();
  expect(await bench.attest(node)).toMatchObject({ status: 200 });
  const report = await bench.report(node);
  const containers = names.map((name) => namespaceOf(report, name).verdict);
  return [report.node.host, ...containers].map((verdict) => [verdict.tier, ...codesOf(verdict)]);
}

describe("violations are joined by their number", () => {
  attack(
    "owner-violation",
    "leaves the host's violations to the host, though a container announced many",
    "a container announces violations in advance, and the host's vanish among them",
    async () => {
      const node = bench.newNode();
      const ns = node.open("sponge");
      node.run(ns, BUSYBOX);
      node.claim(ns, ZEROS);
      node.claim(ns, ZEROS);
      node.claim(HOST, ZEROS);
      node.measure(INIT, VIOLATION);
      expect(await verdictsOf(node, "sponge")).toEqual([
        ["contraindicated", "VIOLATION"],
        ["contraindicated", "DIGEST_UNSTABLE", "HOST_CONTRAINDICATED"],
      ]);
    },
  );

  attack(
    "owner-violation-count",
    "counts one violation for one that was announced",
    "a container that announces one answers for all to come, those of the host among them",
    async () => {
      const node = bench.newNode();
      const ns = node.open("sponge");
      node.run(ns, BUSYBOX);
      node.claim(ns, ZEROS);
      node.measure(INIT, VIOLATION);
      node.measure(INIT, VIOLATION);
      const [host] = await verdictsOf(node);
      expect(host).toEqual(["contraindicated", "ENTRY_UNOWNED"]);
    },
  );

  attack(
    "content-violation",
    "holds a violation against the container that caused it",
    "a container changes its program while it is measured, and the digest from before stays",
    async () => {
      const node = bench.newNode();
      const ns = node.open("writer");
      node.run(ns, BUSYBOX);
      node.claim(ns, ZEROS);
      node.measure(BUSYBOX, VIOLATION);
      expect(await verdictsOf(node, "writer")).toEqual([
        ["affirming"],
        ["contraindicated", "DIGEST_UNSTABLE"],
      ]);
    },
  );
});

describe("what cannot be told is held against its container", () => {
  attack(
    "content-unknown",
    "fails a container that executed what has no digest",
    "a file opened past the page cache, or a mapping made executable later, is never compared with a policy",
    async () => {
      const node = bench.newNode();
      const ns = node.open("direct");
      node.execute(ns, BUSYBOX);
      node.execute(ns, BUSYBOX, { how: "mprotect", path: "", digest: null });
      expect((await verdictsOf(node, "direct"))[1]).toEqual(["contraindicated", "DIGEST_UNSTABLE"]);
    },
  );

  attack(
    "content-writable",
    "fails a container that executed what somebody could write to",
    "a file that is mapped shared and writable is executed with the digest that is allowed, and changed while it runs",
    async () => {
      const node = bench.newNode();
      const ns = node.open("writable");
      node.execute(ns, BUSYBOX, { flags: EventFlag.CODE_WRITABLE });
      expect((await verdictsOf(node, "writable"))[1]).toEqual(["contraindicated", "CODE_WRITABLE"]);
    },
  );

  attack(
    "content-rewritten",
    "fails a container whose code was opened for writing",
    "what is allowed is executed, and then written to while it runs",
    async () => {
      const node = bench.newNode();
      const ns = node.open("rewritten");
      node.execute(ns, BUSYBOX);
      node.execute(ns, BUSYBOX, { how: "rewrite", digest: null });
      expect((await verdictsOf(node, "rewritten"))[1]).toEqual([
        ...["contraindicated", "CODE_WRITABLE"],
      ]);
    },
  );

  attack(
    "content-others",
    "blames nobody for writing to what only others execute",
    "a container maps a neighbour's log file executable, and the neighbour fails for writing to it",
    async () => {
      const node = bench.newNode();
      const ns = node.open("writer");
      node.execute(ns, BUSYBOX);
      const flags = EventFlag.OTHERS_CODE;
      node.execute(ns, BUSYBOX, { how: "rewrite", path: "/vol/log", digest: null, flags });
      expect((await verdictsOf(node, "writer"))[1]).toEqual(["affirming"]);
    },
  );

  attack(
    "cgroup-escape",
    "fails a container that did something in a cgroup which is not its own",
    "a child that is put into a neighbour's cgroup executes there, and what it executes is allowed",
    async () => {
      const node = bench.newNode();
      const ns = node.open("escaped");
      node.execute(ns, BUSYBOX, { flags: EventFlag.ESCAPED });
      expect((await verdictsOf(node, "escaped"))[1]).toEqual(["contraindicated", "CGROUP_ESCAPE"]);
    },
  );

  attack(
    "verdict-unstable",
    "counts what the join holds against a container",
    "a container that made the kernel list another content than it ran passes by its allowlist",
    async () => {
      const node = bench.newNode();
      const ns = node.open("stale");
      node.execute(ns, BUSYBOX);
      node.claim(ns, node.measure({ path: BUSYBOX.path, content: "in between" }));
      expect((await verdictsOf(node, "stale"))[1]).toEqual(["contraindicated", "DIGEST_UNSTABLE"]);
    },
  );

  attack(
    "verdict-reasons",
    "keeps a bounded number of findings",
    "a container that runs a million files it made up fills the memory of the verifier",
    async () => {
      const node = bench.newNode();
      const ns = node.open("flood");
      for (let n = 0; n < 300; n++) node.execute(ns, { path: `/tmp/${n}`, content: `${n}` });
      const [, flood] = await verdictsOf(node, "flood");
      expect(flood?.[0]).toBe("contraindicated");
      expect(flood).toHaveLength(201);
    },
  );
});

describe("who is who", () => {
  attack(
    "owner-runtime",
    "counts what a runtime executes in a container's cgroup as the host's, by its digest alone",
    "`runc init` makes every container fail; or whatever a container runs is called a runtime",
    async () => {
      const node = bench.newNode();
      const [honest, setns, named] = ["honest", "setns", "named"].map((name) => node.open(name));
      if (!honest || !setns || !named) throw new Error("three namespaces");
      node.run(honest, RUNC, { flags: ON_HOST, path: "/proc/self/fd/6" });
      node.run(honest, BUSYBOX);
      node.run(setns, { path: RUNC.path, content: "not runc" }, { flags: ON_HOST });
      node.execute(named, RUNC);
      node.mark();
      await bench.attest(node);
      const report = await bench.report(node);
      expect(report.node.host.tier).toBe("affirming");
      expect(namespaceOf(report, "honest").entries.map(({ path }) => path)).toEqual([BUSYBOX.path]);
      expect(namespaceOf(report, "honest").verdict.tier).toBe("affirming");
      expect(codesOf(namespaceOf(report, "setns").verdict)).toEqual(["NOT_IN_ALLOWLIST"]);
      expect(codesOf(namespaceOf(report, "named").verdict)).toEqual(["NOT_IN_ALLOWLIST"]);
    },
  );

  attack(
    "verdict-container-entry",
    "lets no name of a container's file touch the host",
    "names that mean something to the host make a container's file the host's, or make the host fail",
    async () => {
      const node = bench.newNode();
      const ns = node.open("names");
      for (const path of [
        "boot_aggregate",
        "/etc/ima/ima-policy",
        "/usr/lib/nsattest/monitor.cjs",
      ]) {
        node.run(ns, { path, content: path });
      }
      node.run(ns, TOOL);
      node.mark();
      await bench.attest(node);
      const report = await bench.report(node);
      expect(report.node.host.tier).toBe("affirming");
      expect(codesOf(namespaceOf(report, "names").verdict)).toHaveLength(3);
    },
  );

  attack(
    "owner-runtime-place",
    "takes a runtime's file inside a container for the container's",
    "a container runs the runtime, whose digest is listed, and starts what it likes as the host",
    async () => {
      const node = bench.newNode();
      node.run(node.open("nested"), RUNC);
      expect((await verdictsOf(node, "nested"))[1]).toEqual([
        "contraindicated",
        "NOT_IN_ALLOWLIST",
      ]);
    },
  );

  attack(
    "verdict-aggregate-place",
    "judges a file of the host's that calls itself boot_aggregate",
    "a rootkit with the name of the list's first record is never compared with a policy",
    async () => {
      const node = bench.newNode();
      node.claim(HOST, node.measure({ path: "boot_aggregate", content: "rootkit" }));
      expect((await verdictsOf(node))[0]).toEqual(["contraindicated", "NOT_IN_ALLOWLIST"]);
    },
  );

  attack(
    "verdict-kexec",
    "says nothing of a host whose list goes on from another kernel's",
    "a kernel of the attacker's, started by a good one, has the good one's list before its own",
    async () => {
      const node = bench.newNode();
      const again = { path: "boot_aggregate", content: "PCRs 0 to 9, again" };
      const first = { path: "boot_aggregate", content: "PCRs 0 to 9" };
      node.boot({}, [first, IMA_POLICY, INIT, MONITOR, again]);
      expect((await verdictsOf(node))[0]).toEqual(["none", "KEXEC_LIST"]);
    },
  );

  attack(
    "verdict-kexec-place",
    "takes a file called boot_aggregate for a file once the log has begun",
    "whoever runs a file of that name makes a host look as if it had been started by another kernel",
    async () => {
      const node = bench.newNode();
      node.claim(HOST, node.measure({ path: "boot_aggregate", content: "a file" }));
      expect((await verdictsOf(node))[0]).toEqual(["contraindicated", "NOT_IN_ALLOWLIST"]);
    },
  );

  attack(
    "verdict-image-form",
    "binds no policy to a name that merely contains an image's digest",
    "an image is pushed under a tag that quotes the digest of a good one",
    async () => {
      const node = bench.newNode();
      for (const [name, image] of [
        ["suffix", `${IMAGE}-debug`],
        ["prefix", `evil:${IMAGE.replace(":", "-")}`],
      ] as const) {
        const labels = [
          ["image", image],
          ["name", name],
        ] as const;
        node.run(node.open(name, { labels }), BUSYBOX);
      }
      const [, ...containers] = await verdictsOf(node, "suffix", "prefix");
      expect(containers).toEqual([
        ["none", "POLICY_MISSING"],
        ["none", "POLICY_MISSING"],
      ]);
    },
  );

  attack(
    "verdict-host-unproven",
    "affirms no container of a host that proves nothing",
    "a node whose own programs were exchanged writes a good log for its containers",
    async () => {
      const node = bench.newNode();
      node.boot({}, [{ path: "boot_aggregate", content: "PCRs 0 to 9" }]);
      node.run(node.open("web"), BUSYBOX);
      expect(await verdictsOf(node, "web")).toEqual([
        ["none", "PROGRAMS_UNMEASURED"],
        ["none", "HOST_UNPROVEN"],
      ]);
    },
  );

  attack(
    "verdict-host-later-policy",
    "judges what the host did before there was a policy",
    "a node is broken while the verifier has no policy for hosts, and good from its first one on",
    async () => {
      await bench.restart({ policies: { "node-policy.json": undefined } });
      const node = bench.newNode();
      node.claim(HOST, node.measure(ROOTKIT));
      expect((await verdictsOf(node))[0]).toEqual(["none", "POLICY_MISSING"]);
      await bench.restart({ policies: {} });
      expect((await verdictsOf(node))[0]).toEqual(["contraindicated", "NOT_IN_ALLOWLIST"]);
    },
  );
});

describe("a log says something", () => {
  attack(
    "log-boot-missing",
    "refuses a node that has no log",
    "a monitor that never wrote a word is one against which nothing was found",
    async () => {
      const node = bench.newNode();
      node.powerOn();
      expectRefused(await bench.attest(node), "LOG_BOOT");
    },
  );

  attack(
    "log-batch-empty",
    "refuses a batch without records",
    "who reaches the TPM moves PCR 13 as often as he likes, and the log stays as it was",
    async () => {
      const node = bench.newNode();
      const empty = Buffer.from("0200000000", "hex");
      node.tpm.extend(13, { sha1: digest("sha1", empty), sha256: digest("sha256", empty) });
      node.batches.push([]);
      expectRefused(await bench.attest(node), "LOG_BATCH_EMPTY");
    },
  );
});
