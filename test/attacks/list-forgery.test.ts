// SPDX-License-Identifier: Apache-2.0

import { createHash } from "node:crypto";
import { HOST } from "@nsattest/ns-ima";
import { ByteWriter } from "@nsattest/tpm";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { contentDigest, INIT } from "../fakes/fake-node.ts";
import { codesOf, expectRefused, VerifierBench } from "../fakes/verifier-bench.ts";
import { attack } from "./attack.ts";

let bench: VerifierBench;
beforeAll(async () => {
  bench = await VerifierBench.start();
});
afterAll(() => bench.stop());

const SHA256 = Buffer.from("sha256:\0");
const PATH = Buffer.from("/bin/busybox\0");
const DIGEST = contentDigest("busybox").value;

/** Template data of the given fields, each with its length before it. */
function data(...fields: readonly Uint8Array[]): Uint8Array {
  const writer = new ByteWriter();
  for (const field of fields) writer.u32le(field.length).bytes(field);
  return writer.finish();
}

function digestField(value: Uint8Array, prefix: Uint8Array = SHA256): Uint8Array {
  return Buffer.concat([prefix, value]);
}

/** A record with the right digest of its data, which no kernel of ours would write. */
function record(template: string, content: Uint8Array): Uint8Array {
  return new ByteWriter()
    .u32le(10)
    .bytes(createHash("sha1").update(content).digest())
    .u32le(template.length)
    .bytes(Buffer.from(template))
    .u32le(content.length)
    .bytes(content)
    .finish();
}

/** Root can extend PCR 10 with anything: what is in the list then replays, and is refused for what it says. */
async function expectRecordRefused(
  template: string,
  content: Uint8Array,
  code = "LIST_TEMPLATE_FIELDS",
): Promise<void> {
  const node = bench.newNode();
  node.list.push(record(template, content));
  node.tpm.extend(10, {
    sha1: createHash("sha1").update(content).digest(),
    sha256: createHash("sha256").update(content).digest(),
  });
  expectRefused(await bench.attest(node), code);
  expect(codesOf((await bench.report(node)).node.host)).toEqual([code]);
}

describe("a record is read as the kernel wrote it, or not at all", () => {
  attack(
    "list-fields-end",
    "refuses bytes behind the last field",
    "a record carries a second reading, for whoever knows another template of that name",
    () => {
      const fields = data(digestField(DIGEST), PATH);
      return expectRecordRefused("ima-ng", Buffer.concat([fields, Buffer.alloc(1)]));
    },
  );

  attack(
    "list-algorithm",
    "refuses a digest that does not begin with an algorithm",
    "the digest of a hash of the sender's naming stands for that of a file",
    () => expectRecordRefused("ima-ng", data(digestField(DIGEST, Buffer.from("SHA 256:\0")), PATH)),
  );

  attack(
    "list-digest-nul",
    "refuses a digest whose algorithm does not end",
    "the first byte of the digest is the last of the algorithm, or the other way round",
    () => expectRecordRefused("ima-ng", data(digestField(DIGEST, Buffer.from("sha256:x")), PATH)),
  );

  attack(
    "list-digest-size",
    "refuses a digest of no hash's size",
    "no bytes at all are the digest of a file",
    async () => {
      for (const size of [0, 65]) {
        await expectRecordRefused("ima-ng", data(digestField(new Uint8Array(size)), PATH));
      }
    },
  );

  attack(
    "list-path",
    "refuses a path that goes on behind its end",
    "the policy is asked about one path, and people are shown the beginning of another",
    async () => {
      for (const path of ["/bin/busybox\0/tmp/x\0", "/bin/busybox"]) {
        await expectRecordRefused("ima-ng", data(digestField(DIGEST), Buffer.from(path)));
      }
    },
  );

  attack(
    "list-signature",
    "refuses a signature field that holds something else",
    "whoever chooses an attribute of a file chooses what is kept as its signature",
    () =>
      expectRecordRefused("ima-sig", data(digestField(DIGEST), PATH, Buffer.from([0x01, 0x02]))),
  );

  attack(
    "list-buffer-digest",
    "refuses a buffer that does not have its record's digest",
    "a file's record is relabelled, and its signature taken for a key that was loaded",
    () => expectRecordRefused("ima-buf", data(digestField(DIGEST), PATH, Buffer.from("a key"))),
  );

  attack(
    "list-buffer-hash",
    "refuses a buffer whose digest cannot be checked",
    "a hash that is not known here vouches for any key",
    () => {
      const digest = digestField(DIGEST, Buffer.from("sm3-256:\0"));
      return expectRecordRefused("ima-buf", data(digest, PATH, Buffer.from("a key")));
    },
  );

  attack(
    "list-pcr-number",
    "refuses a list in the other byte order",
    "a list of another machine, or of none, is read as something",
    async () => {
      const node = bench.newNode();
      const answer = await bench.attest(node, (evidence) => ({
        ...evidence,
        list: Buffer.from("0000000a", "hex"),
      }));
      expectRefused(answer, "LIST_BIG_ENDIAN");
    },
  );

  attack(
    "list-limit",
    "refuses a record that is longer than any can be",
    "a few bytes make the verifier wait for gigabytes, or hold what there is for ever",
    async () => {
      for (const [name, content] of [
        [300, 0],
        [6, 5 * 1024 * 1024],
      ] as const) {
        const node = bench.newNode();
        const head = new ByteWriter().u32le(10).bytes(new Uint8Array(20)).u32le(name);
        const list = head.bytes(Buffer.from("ima-ng")).u32le(content).finish();
        expectRefused(
          await bench.attest(node, (evidence) => ({ ...evidence, list })),
          "LIST_LIMIT",
        );
      }
    },
  );
});

describe("a list is one list, from its beginning", () => {
  attack(
    "list-violation",
    "refuses an entry that is passed off as a violation",
    "the digest of a rootkit is blotted out: of a violation nobody knows what was executed",
    async () => {
      const node = bench.newNode();
      node.run(HOST, { path: "/usr/bin/rootkit", content: "rootkit" });
      node.mark();
      const answer = await bench.attest(node, (evidence) => {
        const last = new Uint8Array(node.list.at(-1) ?? []);
        last.fill(0, 4, 24);
        return { ...evidence, list: Buffer.concat(node.list.with(-1, last)) };
      });
      expectRefused(answer, "LIST_REPLAY_MISMATCH");
    },
  );

  attack(
    "list-head",
    "names a list whose oldest records are gone",
    "root trims the list, which new kernels let him, and the loss looks like any other fault",
    async () => {
      const node = bench.newNode();
      const list = Buffer.concat(node.list.slice(1));
      expectRefused(
        await bench.attest(node, (evidence) => ({ ...evidence, list })),
        "LIST_HEAD_MISSING",
      );
    },
  );

  attack(
    "list-shrank",
    "names a list that begins anew within a boot",
    "a list that was replaced under a running kernel looks like one that was damaged on its way",
    async () => {
      const node = bench.newNode();
      await bench.attest(node);
      node.measure(INIT);
      const list = Buffer.concat(node.list);
      expectRefused(await bench.attest(node, (evidence) => ({ ...evidence, list })), "LIST_SHRANK");
    },
  );
});
