// SPDX-License-Identifier: Apache-2.0

import { HOST } from "@nsattest/ns-ima";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { entryOf, INIT } from "../fakes/fake-node.ts";
import {
  BUSYBOX,
  codesOf,
  digestText,
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

const ROOTKIT = { path: "/usr/bin/rootkit", content: "rootkit" };
const DROPPED = { path: "/bin/dropped", content: "dropped" };
/** The host's policy excludes this folder. */
const EXCLUDED = { path: "/tmp/build.sh", content: "build" };
const VIOLATION = { digest: null };

describe("rule 2: every host-list entry has an owner", () => {
  attack(
    "verdict-host-entry",
    "fails the host for an entry of its own that its policy does not allow",
    "a rootkit runs, and no policy is asked about it",
    async () => {
      const node = bench.newNode();
      node.run(HOST, INIT);
      // No execution: a module that the kernel loads is an entry and nothing else.
      node.claim(HOST, node.measure(ROOTKIT));
      node.mark();
      await bench.attest(node);
      expect((await bench.report(node)).node.host).toMatchObject({
        tier: "contraindicated",
        reasons: [{ code: "NOT_IN_ALLOWLIST", path: ROOTKIT.path, digest: digestText("rootkit") }],
      });
    },
  );

  attack(
    "policy-digest",
    "fails the host for a known path with other content",
    "an allowed program is replaced",
    async () => {
      const node = bench.newNode();
      node.run(HOST, { path: INIT.path, content: "replaced" });
      node.mark();
      await bench.attest(node);
      expect(codesOf((await bench.report(node)).node.host)).toEqual(["DIGEST_MISMATCH"]);
    },
  );

  attack(
    "owner-attach",
    "leaves entries from before the log to the host, whoever claims them",
    "the entry from before the programs were attached is taken by a container, whose policy allows anything",
    async () => {
      const node = bench.newNode();
      node.powerOn();
      const rootkit = node.measure(ROOTKIT);
      node.startLog();
      const ns = node.open("accomplice");
      node.execute(ns, ROOTKIT);
      node.claim(ns, rootkit);
      node.mark();
      await bench.attest(node);
      const { host } = (await bench.report(node)).node;
      expect(host.reasons).toMatchObject([{ code: "NOT_IN_ALLOWLIST", path: ROOTKIT.path }]);
    },
  );

  attack(
    "owner-host-first",
    "leaves an entry to the host that the host has claimed, before or after a container did",
    "a container whitewashes what the host ran by running it as well",
    async () => {
      const node = bench.newNode();
      const ns = node.open("accomplice");
      for (const [first, second, name] of [
        [HOST, ns, "one"],
        [ns, HOST, "two"],
      ] as const) {
        const file = { path: `/usr/bin/${name}`, content: name };
        const digest = node.measure(file);
        node.execute(ns, file);
        node.claim(first, digest);
        node.claim(second, digest);
      }
      node.mark();
      const late = { path: "/usr/bin/three", content: "three" };
      const digest = node.measure(late);
      node.execute(ns, late);
      node.claim(ns, digest);
      node.mark();
      node.claim(HOST, digest);
      node.mark();
      await bench.attest(node);
      const { host } = (await bench.report(node)).node;
      expect(host.reasons.map(({ path }) => path)).toEqual([
        "/usr/bin/one",
        "/usr/bin/two",
        "/usr/bin/three",
      ]);
    },
  );

  attack(
    "verdict-host-unowned",
    "fails the host for an entry that nobody owns",
    "a rootkit that the owner program did not see, or was made not to see, is nobody's fault",
    async () => {
      const node = bench.newNode();
      node.measure(DROPPED);
      node.mark();
      await bench.attest(node);
      expect((await bench.report(node)).node.host).toMatchObject({
        tier: "contraindicated",
        reasons: [{ code: "ENTRY_UNOWNED", path: DROPPED.path, digest: digestText("dropped") }],
      });
    },
  );

  attack(
    "owner-unowned",
    "does not let the host's policy excuse an entry that nobody owns",
    "the same from a folder that the host's policy does not judge; or a file that it allows",
    async () => {
      for (const file of [EXCLUDED, INIT]) {
        const node = bench.newNode();
        node.measure({ ...file, content: `${file.content} ` }, {});
        node.measure(file);
        node.mark();
        await bench.attest(node);
        expect(codesOf((await bench.report(node)).node.host)).toContain("ENTRY_UNOWNED");
      }
      const owned = bench.newNode();
      owned.run(HOST, EXCLUDED);
      owned.mark();
      expect(await bench.attest(owned)).toMatchObject({ body: { host: "affirming" } });
    },
  );

  attack(
    "owner-late-claim",
    "does not let the host itself claim an entry late",
    "the host's policy, which excludes much, is asked about the entry after all",
    async () => {
      const node = bench.newNode();
      const digest = node.measure(EXCLUDED);
      node.mark();
      node.claim(HOST, digest);
      node.mark();
      await bench.attest(node);
      const report = await bench.report(node);
      expect(codesOf(report.node.host)).toEqual(["ENTRY_UNOWNED"]);
      expect(report.hostList).toMatchObject({ entries: 5, host: 4 });
    },
  );

  attack(
    "owner-mark",
    "does not let a late owner relieve the host",
    "time to choose who takes the entry",
    async () => {
      const node = bench.newNode();
      const ns = node.open("late");
      const digest = node.measure(BUSYBOX);
      node.execute(ns, BUSYBOX);
      node.mark();
      node.claim(ns, digest);
      node.mark();
      await bench.attest(node);
      expect(codesOf((await bench.report(node)).node.host)).toEqual(["ENTRY_UNOWNED"]);
    },
  );

  attack(
    "mark-beyond-list",
    "refuses a mark beyond the list, for that round",
    "a mark in advance makes every claim after it a late one, and the owner unknown for ever",
    async () => {
      const node = bench.newNode();
      await bench.attest(node);
      // As it can happen honestly: the kernel has appended and not yet extended when the TPM quotes.
      const record = node.append({ path: EXCLUDED.path, content: "new" });
      node.claim(HOST, entryOf(record).templateDigest);
      node.mark();
      expectRefused(await bench.attest(node), "MARK_BEYOND_LIST");
      expect(codesOf((await bench.report(node)).node.host)).toEqual(["MARK_BEYOND_LIST"]);
      node.extendList(record);
      expect(await bench.attest(node)).toMatchObject({ status: 200, body: { host: "affirming" } });
      node.mark(node.list.length + 1);
      node.measure(DROPPED);
      node.mark();
      await bench.attest(node);
      expect(codesOf((await bench.report(node)).node.host)).toEqual(["ENTRY_UNOWNED"]);
    },
  );

  attack(
    "mark-decreases",
    "refuses a mark that goes back",
    "a mark that goes back opens a settled entry again",
    async () => {
      const node = bench.newNode();
      node.mark(1);
      expectRefused(await bench.attest(node), "MARK_DECREASES");
    },
  );

  attack(
    "verdict-stalled",
    "says nothing of a host whose log stands still above its entries",
    "entries are never judged, for no mark ever comes",
    async () => {
      const node = bench.newNode();
      node.claim(HOST, node.measure(ROOTKIT));
      node.anchor();
      expect(await bench.attest(node)).toMatchObject({ body: { host: "affirming" } });
      expect((await bench.report(node)).hostList.pending).toBe(1);
      bench.advance(120);
      expect(await bench.attest(node)).toMatchObject({ body: { host: "affirming" } });
      bench.advance(1);
      expect(await bench.attest(node)).toMatchObject({ body: { host: "none" } });
      expect(codesOf((await bench.report(node)).node.host)).toEqual(["LOG_STALLED"]);
      node.mark();
      expect(await bench.attest(node)).toMatchObject({ body: { host: "contraindicated" } });
    },
  );

  attack(
    "verdict-stalled-since",
    "does not begin to wait anew after a restart of the verifier",
    "a restart of the verifier gives pending entries another two minutes",
    async () => {
      const node = bench.newNode();
      node.claim(HOST, node.measure(ROOTKIT));
      node.anchor();
      await bench.attest(node);
      bench.advance(121);
      await bench.restart();
      expect(await bench.attest(node)).toMatchObject({ body: { host: "none" } });
    },
  );

  attack(
    "verdict-violation",
    "fails the host for its violations, and a container for its own, by their number",
    "a program is changed while it runs, and its good digest stays",
    async () => {
      const node = bench.newNode();
      const ns = node.open("writer");
      node.run(ns, BUSYBOX);
      node.claim(ns, new Uint8Array(32));
      node.measure(BUSYBOX, VIOLATION);
      node.mark();
      await bench.attest(node);
      let report = await bench.report(node);
      expect(report.node.host.tier).toBe("affirming");
      expect(codesOf(namespaceOf(report, "writer").verdict)).toEqual(["DIGEST_UNSTABLE"]);
      node.claim(HOST, new Uint8Array(32));
      node.measure(INIT, VIOLATION);
      node.mark();
      await bench.attest(node);
      report = await bench.report(node);
      expect(codesOf(report.node.host)).toEqual(["VIOLATION"]);
      node.measure(INIT, VIOLATION);
      node.mark();
      await bench.attest(node);
      expect(codesOf((await bench.report(node)).node.host)).toEqual(["VIOLATION", "ENTRY_UNOWNED"]);
    },
  );
});

describe("rule 3: executions only add, and no container can fail the host", () => {
  attack(
    "policy-path",
    "holds an execution against its container, whether the list has it or not",
    "the second container to run a file, for which the kernel adds no entry, answers for nothing",
    async () => {
      const node = bench.newNode();
      const [first, second] = [node.open("first"), node.open("second")];
      node.run(first, DROPPED);
      node.execute(second, DROPPED);
      node.mark();
      await bench.attest(node);
      const report = await bench.report(node);
      expect(report.node.host.tier).toBe("affirming");
      for (const name of ["first", "second"]) {
        expect(namespaceOf(report, name).verdict).toMatchObject({
          tier: "contraindicated",
          reasons: [
            { code: "NOT_IN_ALLOWLIST", path: DROPPED.path, digest: digestText("dropped") },
          ],
        });
      }
    },
  );

  attack(
    "owner-unowned",
    "does not let an execution relieve the host of an entry",
    "the host's account is emptied by executing its files, not by causing their entries",
    async () => {
      const node = bench.newNode();
      const ns = node.open("accomplice");
      node.measure(BUSYBOX);
      node.execute(ns, BUSYBOX);
      node.mark();
      await bench.attest(node);
      expect(codesOf((await bench.report(node)).node.host)).toEqual(["ENTRY_UNOWNED"]);
    },
  );

  attack(
    "content-executed",
    "fails a container that owns an entry without an execution of that content",
    "the kernel's cached digest, which a container can make stale, stands for what really ran",
    async () => {
      const node = bench.newNode();
      const ns = node.open("stale");
      node.execute(ns, BUSYBOX);
      node.claim(ns, node.measure({ path: BUSYBOX.path, content: "changed in between" }));
      node.mark();
      await bench.attest(node);
      const report = await bench.report(node);
      expect(report.node.host.tier).toBe("affirming");
      expect(codesOf(namespaceOf(report, "stale").verdict)).toEqual(["DIGEST_UNSTABLE"]);
    },
  );

  attack(
    "content-zero",
    "fails a container whose entry or execution has no digest",
    "O_DIRECT, SysV shared memory: what has no digest cannot be forbidden",
    async () => {
      const node = bench.newNode();
      const [entry, execution] = [node.open("entry"), node.open("execution")];
      const zero = { algorithm: "sha256", value: new Uint8Array(32) };
      node.run(entry, BUSYBOX);
      node.claim(entry, node.measure({ path: "/SYSV00000000", content: "" }, { digest: zero }));
      node.execute(execution, BUSYBOX, { how: "mprotect", path: "", digest: null });
      node.mark();
      await bench.attest(node);
      const report = await bench.report(node);
      expect(report.node.host.tier).toBe("affirming");
      for (const name of ["entry", "execution"]) {
        expect(codesOf(namespaceOf(report, name).verdict)).toEqual(["DIGEST_UNSTABLE"]);
      }
    },
  );

  attack(
    "policy-algorithm",
    "fails a container for a digest that is not SHA-256",
    "a digest of a broken hash, which the file's own attributes may choose",
    async () => {
      const node = bench.newNode();
      const ns = node.open("weak");
      const digest = { algorithm: "sha1", value: new Uint8Array(20).fill(1) };
      node.execute(ns, BUSYBOX, { digest });
      node.mark();
      await bench.attest(node);
      const { verdict } = namespaceOf(await bench.report(node), "weak");
      expect(codesOf(verdict)).toEqual(["DIGEST_ALGORITHM"]);
    },
  );
});
