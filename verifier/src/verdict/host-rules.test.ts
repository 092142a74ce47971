// SPDX-License-Identifier: Apache-2.0

import type { FileDigest, JoinEntry, JoinedEntry } from "@nsattest/ns-ima";
import { describe, expect, it } from "vitest";
import { contentDigest, IMA_POLICY, INIT, MONITOR, RUNC } from "../../../test/fakes/fake-node.ts";
import { digestText, policyDocuments } from "../../../test/fakes/verifier-bench.ts";
import { parsePolicySet } from "../policy/policy-set.ts";
import {
  isCleared,
  isFirstAggregate,
  isKexecAggregate,
  isPinnedImaPolicy,
  judgeHostEntry,
  judgeHostFile,
  programOf,
} from "./host-rules.ts";
import type { VerdictReason } from "./reason.ts";

const { host: policy } = parsePolicySet(
  policyDocuments({
    "host.json": {
      digests: {
        [INIT.path]: [digestText(INIT.content).slice(7)],
        [MONITOR.path]: [digestText(MONITOR.content).slice(7)],
        "/opt/a b": [digestText("spaced").slice(7)],
      },
      "ima-buf": { kernel_version: [digestText("6.1.0").slice(7)] },
      excludes: ["/tmp/"],
    },
  }),
);
if (!policy) throw new Error("there is a policy");

function entry(
  path: string,
  content: string | null,
  change: Partial<JoinedEntry> = {},
): JoinedEntry {
  const digest = content === null ? null : contentDigest(content);
  const file = {
    template: "ima-sig",
    kind: "file",
    violation: content === null,
    path,
    digest,
  } as const;
  const read = { ...file, templateDigest: new Uint8Array(32), signature: null };
  return { index: 7, owner: "host", round: 1, content: read, ...file, ...change };
}

const unsigned = (): readonly Uint8Array[] => [];

function reasonsAgainst(path: string, digest: FileDigest | null): readonly VerdictReason[] {
  if (!policy) throw new Error("there is a policy");
  return judgeHostFile(policy, { path, digest }, "exact", unsigned).reasons;
}

const ZEROS = { algorithm: "sha256", value: new Uint8Array(32) };

describe("isFirstAggregate", () => {
  it.each<[string, JoinedEntry, boolean]>([
    ["the first entry", entry("boot_aggregate", "pcrs", { index: 0 }), true],
    ["a file of that name", entry("boot_aggregate", "pcrs"), false],
    ["another first entry", entry("/boot_aggregate", "pcrs", { index: 0 }), false],
    ["zeros", entry("boot_aggregate", "", { index: 0, digest: ZEROS }), false],
    ["a violation", entry("boot_aggregate", null, { index: 0 }), false],
  ])("of %s", (_, given, expected) => {
    expect(isFirstAggregate(given)).toBe(expected);
  });
});

describe("isCleared", () => {
  const { content: clean } = entry(INIT.path, INIT.content);

  it("is an allowed or excluded file, also when it is asked again", () => {
    for (const content of [clean, entry("/tmp/x", "anything").content]) {
      expect(isCleared(policy, content)).toBe(true);
      expect(content.clearedBy).toBe(policy);
      expect(isCleared(policy, content)).toBe(true);
    }
  });

  it("is not a file that only has a signature nobody accepts", () => {
    const signature = new Uint8Array([3, 2, 4]);
    const { content } = entry("/bin/signed", "signed");
    expect(isCleared(policy, { ...content, signature })).toBe(false);
  });

  it("is not what another policy has cleared, but to be asked about", () => {
    const content = { ...entry("/bin/other", "other").content, clearedBy: { ...policy } };
    expect(isCleared(policy, content)).toBe(false);
    expect(content.clearedBy).not.toBe(policy);
  });

  it.each<[string, Partial<JoinEntry>]>([
    ["a file with other content", { digest: contentDigest("replaced") }],
    ["a violation", { digest: null, violation: true }],
    ["a buffer, of whatever name", { kind: "buffer" }],
    ["one of our programs", { path: MONITOR.path, digest: contentDigest(MONITOR.content) }],
    ["the IMA policy", { path: policy.imaPolicy.path }],
    ["an aggregate", { path: "boot_aggregate" }],
  ])("is not %s", (_, change) => {
    const content = { ...clean, clearedBy: undefined, ...change };
    expect(isCleared(policy, content)).toBe(false);
    expect(content.clearedBy).toBeUndefined();
  });
});

describe("isKexecAggregate", () => {
  const second = { index: 3 };
  it.each<[string, JoinedEntry, boolean]>([
    ["a second aggregate from before the log", entry("boot_aggregate", "pcrs", second), true],
    ["one without a digest", entry("boot_aggregate", "", { ...second, digest: ZEROS }), true],
    ["the first entry", entry("boot_aggregate", "pcrs", { index: 0 }), false],
    ["a later file of that name", entry("boot_aggregate", "pcrs", { index: 4 }), false],
    ["another file", entry("/boot_aggregate", "pcrs", second), false],
    ["a violation", entry("boot_aggregate", null, second), false],
    ["a buffer", entry("boot_aggregate", "pcrs", { ...second, kind: "buffer" }), false],
  ])("of %s", (_, given, expected) => {
    expect(isKexecAggregate(given, 4)).toBe(expected);
  });
});

describe("judgeHostEntry", () => {
  it.each<[string, JoinedEntry, readonly string[]]>([
    ["an allowed file", entry(INIT.path, INIT.content), []],
    ["a path as IMA writes it", entry("/opt/a_b", "spaced"), []],
    ["an excluded file", entry("/tmp/x", "x"), []],
    ["a runtime anywhere", entry("/somewhere", RUNC.content), []],
    ["the aggregate of the boot", entry("boot_aggregate", "pcrs", { index: 0 }), []],
    ["a file of that name", entry("boot_aggregate", "pcrs"), ["NOT_IN_ALLOWLIST"]],
    [
      "a first file that has no digest",
      entry("boot_aggregate", "", { index: 0, digest: ZEROS }),
      ["NOT_IN_ALLOWLIST"],
    ],
    ["the pinned IMA policy", entry(IMA_POLICY.path, IMA_POLICY.content), []],
    ["another IMA policy", entry(IMA_POLICY.path, "other"), ["IMA_POLICY_MISMATCH"]],
    ["an unknown file", entry("/sbin/other", "x"), ["NOT_IN_ALLOWLIST"]],
    ["other content", entry(INIT.path, "other"), ["DIGEST_MISMATCH"]],
    [
      "another algorithm",
      entry(INIT.path, "x", { digest: { ...ZEROS, algorithm: "sm3" } }),
      ["DIGEST_ALGORITHM"],
    ],
    ["no content", entry(INIT.path, "x", { digest: ZEROS }), ["DIGEST_MISMATCH"]],
    ["a violation", entry(INIT.path, null), []],
    ["an allowed buffer", entry("kernel_version", "6.1.0", { kind: "buffer" }), []],
    ["another buffer", entry("kernel_version", "6.2.0", { kind: "buffer" }), ["DIGEST_MISMATCH"]],
    [
      "a buffer with the name of a file",
      entry(INIT.path, INIT.content, { kind: "buffer" }),
      ["NOT_IN_ALLOWLIST"],
    ],
  ])("of %s", (_, given, expected) => {
    expect(judgeHostEntry(policy, given, unsigned).map(({ code }) => code)).toEqual(expected);
  });
});

describe("judgeHostFile", () => {
  it("takes paths as the file system has them", () => {
    const digest = contentDigest("spaced");
    expect(reasonsAgainst("/opt/a b", digest)).toEqual([]);
    expect(reasonsAgainst("/opt/a_b", digest)).toMatchObject([
      { code: "NOT_IN_ALLOWLIST", path: "/opt/a_b", digest: digestText("spaced") },
    ]);
  });

  it("allows a runtime at any path, and holds nothing against what has no digest", () => {
    const digest = contentDigest(RUNC.content);
    expect(reasonsAgainst("/proc/self/fd/5", digest)).toEqual([]);
    expect(reasonsAgainst("", null)).toEqual([]);
  });
});

describe("what the policy requires", () => {
  it("is seen in entries of that path and content", () => {
    expect(programOf(policy, entry(MONITOR.path, MONITOR.content))).toBe(MONITOR.path);
    expect(programOf(policy, entry(MONITOR.path, "other"))).toBeUndefined();
    expect(programOf(policy, entry(MONITOR.path, null))).toBeUndefined();
    expect(programOf(policy, entry(INIT.path, INIT.content))).toBeUndefined();
    expect(isPinnedImaPolicy(policy, entry(IMA_POLICY.path, IMA_POLICY.content))).toBe(true);
    expect(isPinnedImaPolicy(policy, entry(IMA_POLICY.path, "other"))).toBe(false);
    expect(isPinnedImaPolicy(policy, entry(IMA_POLICY.path, null))).toBe(false);
    expect(isPinnedImaPolicy(policy, entry("/etc/other", IMA_POLICY.content))).toBe(false);
  });
});
