// SPDX-License-Identifier: Apache-2.0

import { Buffer } from "node:buffer";
import { describe, expect, it } from "vitest";
import { type Allowlist, compileAllowlist } from "./allowlist.ts";
import { compileRuntimePolicy } from "./evaluate.ts";
import { parseRuntimePolicy } from "./runtime-policy.ts";

const A = "a".repeat(64);
const B = "b".repeat(64);
const C = "c".repeat(64);

const digest = (hex: string, algorithm = "sha256") => ({
  algorithm,
  value: Uint8Array.from(Buffer.from(hex, "hex")),
});

/** Excludes are plain beginnings here. */
const allowlistOf = (document: object): Allowlist =>
  compileAllowlist(parseRuntimePolicy(document), (sources) => ({
    size: sources.length,
    matches: (text) => sources.some((source) => text.startsWith(source)),
  }));

const policy = compileRuntimePolicy(
  allowlistOf({
    digests: {
      "/bin/sh": [A, B],
      "/opt/a b": [A],
      "/opt/a_b": [B],
      "/opt/only spaced": [C],
      "/bin/zero": ["0".repeat(64)],
      "/tmp/listed": [A],
    },
    excludes: ["/tmp/"],
    "ima-buf": { kernel_version: [A], "two words": [B], "/tmp/key": [A] },
    keyrings: { ".ima": [B] },
  }),
);

const exact = (path: string, hex: string, algorithm?: string) =>
  policy.evaluateExecution({ path, digest: digest(hex, algorithm), signatures: [] }, "exact");
const ima = (path: string, hex: string) =>
  policy.evaluateExecution({ path, digest: digest(hex), signatures: [] }, "ima");
const buffer = (path: string, hex: string) => policy.evaluateBuffer({ path, digest: digest(hex) });

describe("an execution", () => {
  it("is allowed with any of the digests of its path", () => {
    expect(exact("/bin/sh", A)).toEqual({ outcome: "allowed", by: "digest" });
    expect(exact("/bin/sh", B)).toEqual({ outcome: "allowed", by: "digest" });
  });

  it("is a mismatch with another digest, even one listed for another path", () => {
    expect(exact("/bin/sh", C)).toEqual({ outcome: "digest-mismatch", expected: [A, B] });
  });

  it("is not listed under any other path", () => {
    for (const path of ["/bin/sh2", "/bin", "/bin/SH", "bin/sh", "", "__proto__"]) {
      expect(exact(path, A)).toEqual({ outcome: "not-listed" });
    }
  });

  it("proves nothing with another algorithm, even with the same bytes", () => {
    expect(exact("/bin/sh", A, "sha512")).toEqual({ outcome: "algorithm" });
    expect(exact("/nowhere", "00".repeat(20), "sha1")).toEqual({ outcome: "algorithm" });
  });

  it("is never allowed by the digest of zeros, or one of another length", () => {
    expect(exact("/bin/zero", "0".repeat(64))).toEqual({
      outcome: "digest-mismatch",
      expected: [],
    });
    expect(exact("/bin/sh", "aa".repeat(31)).outcome).toBe("digest-mismatch");
    expect(exact("/bin/sh", "").outcome).toBe("digest-mismatch");
  });

  it("is excluded only where it is not allowed", () => {
    expect(exact("/tmp/x", C)).toEqual({ outcome: "excluded" });
    expect(exact("/tmp/x", C, "sha1")).toEqual({ outcome: "excluded" });
    expect(exact("/tmp/listed", C)).toEqual({ outcome: "excluded" });
    expect(exact("/tmp/listed", A)).toEqual({ outcome: "allowed", by: "digest" });
    expect(exact("/var/tmp/x", C)).toEqual({ outcome: "not-listed" });
  });
});

describe("a path with a space", () => {
  it("is looked up as it is in the namespace log", () => {
    expect(exact("/opt/a b", A).outcome).toBe("allowed");
    expect(exact("/opt/a b", B).outcome).toBe("digest-mismatch");
    expect(exact("/opt/a_b", A).outcome).toBe("digest-mismatch");
    expect(exact("/opt/only_spaced", C).outcome).toBe("not-listed");
  });

  it("is looked up as IMA writes it in the host list, where it may be two paths", () => {
    expect(ima("/opt/a_b", A).outcome).toBe("allowed");
    expect(ima("/opt/a_b", B).outcome).toBe("allowed");
    expect(ima("/opt/a_b", C)).toEqual({ outcome: "digest-mismatch", expected: [B, A] });
    expect(ima("/opt/only_spaced", C).outcome).toBe("allowed");
    expect(ima("/opt/only spaced", C).outcome).toBe("not-listed");
    expect(ima("/bin/sh", A).outcome).toBe("allowed");
  });
});

describe("a buffer", () => {
  it("is judged by ima-buf and keyrings, not by the files", () => {
    expect(buffer("kernel_version", A)).toEqual({ outcome: "allowed", by: "digest" });
    expect(buffer("kernel_version", B)).toEqual({ outcome: "digest-mismatch", expected: [A] });
    expect(buffer(".ima", B)).toEqual({ outcome: "allowed", by: "digest" });
    expect(buffer("two_words", B)).toEqual({ outcome: "allowed", by: "digest" });
    expect(buffer("/bin/sh", A)).toEqual({ outcome: "not-listed" });
    expect(buffer("/tmp/key", B)).toEqual({ outcome: "excluded" });
    expect(exact("kernel_version", A)).toEqual({ outcome: "not-listed" });
  });
});

describe("a denied digest", () => {
  const denied = compileRuntimePolicy(
    allowlistOf({
      digests: { "/bin/sh": [A, B] },
      excludes: ["/tmp/"],
      "ima-buf": { b: [A] },
    }),
    { denied: new Map([[`sha256:${A}`, "too old"]]), keyring: { judge: () => "valid" } },
  );
  const expected = { outcome: "denied", reason: "too old" };

  it.each(["/bin/sh", "/tmp/x", "/opt/signed"])("is denied before everything at %s", (path) => {
    const file = { path, digest: digest(A), signatures: [Uint8Array.of(3)] };
    expect(denied.evaluateExecution(file, "exact")).toEqual(expected);
    expect(denied.evaluateExecution(file, "ima")).toEqual(expected);
  });

  it("is denied as a buffer too", () => {
    expect(denied.evaluateBuffer({ path: "b", digest: digest(A) })).toEqual(expected);
  });

  it("is that digest and no other", () => {
    for (const other of [digest(B), digest(A, "sha512")]) {
      const file = { path: "/bin/sh", digest: other, signatures: [] };
      expect(denied.evaluateExecution(file, "exact").outcome).not.toBe("denied");
    }
  });
});

const JUDGEMENTS = ["valid", "revoked-key", "invalid", "unknown-key"] as const;
/** Judges by the first byte. */
const keyring = { judge: ([kind = 0]: Uint8Array) => JUDGEMENTS[kind] ?? "invalid" };

describe("signatures", () => {
  const signed = compileRuntimePolicy(
    allowlistOf({ digests: { "/bin/sh": [A] }, excludes: ["/tmp/"], "ima-buf": { b: [A] } }),
    { keyring },
  );
  const decide = (path: string, kinds: readonly number[], algorithm?: string) =>
    signed.evaluateExecution(
      { path, digest: digest(B, algorithm), signatures: kinds.map((kind) => Uint8Array.of(kind)) },
      "exact",
    );

  it("are of use to a policy with keys only", () => {
    expect(signed.acceptsSignatures).toBe(true);
    expect(policy.acceptsSignatures).toBe(false);
    const file = { path: "/opt/x", digest: digest(B), signatures: [Uint8Array.of(0)] };
    expect(policy.evaluateExecution(file, "exact")).toEqual({ outcome: "not-listed" });
  });

  it("allow what is not listed when one of them is valid, whatever the digest's algorithm", () => {
    const allowed = { outcome: "allowed", by: "signature" };
    expect(decide("/opt/x", [0])).toEqual(allowed);
    expect(decide("/opt/x", [3, 2, 1, 0])).toEqual(allowed);
    expect(decide("/opt/x", [0], "sha512")).toEqual(allowed);
    expect(decide("/tmp/x", [0])).toEqual(allowed);
  });

  it("do not save a path that is listed with other digests", () => {
    expect(decide("/bin/sh", [0])).toEqual({ outcome: "digest-mismatch", expected: [A] });
    expect(decide("/bin/sh", [0], "sha512")).toEqual({ outcome: "algorithm" });
  });

  it.each([
    [[1, 2, 3], "revoked-key"],
    [[3, 2], "invalid"],
    [[3], "unknown-key"],
  ])("%j are reported as %s", (kinds, signature) => {
    expect(decide("/opt/x", kinds)).toEqual({ outcome: "not-listed", signature });
    expect(decide("/opt/x", kinds, "sha1")).toEqual({ outcome: "algorithm", signature });
    expect(decide("/tmp/x", kinds)).toEqual({ outcome: "excluded" });
  });

  it("are not reported where there are none", () => {
    expect(decide("/opt/x", [])).toEqual({ outcome: "not-listed" });
  });
});

it("looks up one table when no path has a space", () => {
  const plain = compileRuntimePolicy(allowlistOf({ digests: { "/a_b": [A] } }));
  expect(
    plain.evaluateExecution({ path: "/a_b", digest: digest(A), signatures: [] }, "ima").outcome,
  ).toBe("allowed");
  expect(
    plain.evaluateExecution({ path: "/a b", digest: digest(A), signatures: [] }, "exact").outcome,
  ).toBe("not-listed");
});

describe("a shared allowlist", () => {
  const own = allowlistOf({ digests: { "/bin/sh": [A], "/opt/own": [A] }, "ima-buf": { b: [A] } });
  const host = allowlistOf({
    digests: { "/bin/sh": [A, B], "/sbin/init": [B], "/opt/a b": [C] },
    excludes: ["/var/"],
    "ima-buf": { h: [A] },
  });
  const both = compileRuntimePolicy(own, { shared: host });
  const decide = (path: string, hex: string, form: "exact" | "ima" = "exact") =>
    both.evaluateExecution({ path, digest: digest(hex), signatures: [] }, form);

  it("allows what either of the two lists", () => {
    for (const [path, hex] of [
      ["/bin/sh", A],
      ["/bin/sh", B],
      ["/sbin/init", B],
      ["/opt/own", A],
    ] as const) {
      expect(decide(path, hex).outcome).toBe("allowed");
    }
    expect(decide("/opt/a_b", C, "ima").outcome).toBe("allowed");
    expect(decide("/bin/sh", C)).toEqual({ outcome: "digest-mismatch", expected: [A, B] });
    expect(decide("/other", A)).toEqual({ outcome: "not-listed" });
  });

  it("brings neither excludes nor buffers along", () => {
    expect(decide("/var/x", A)).toEqual({ outcome: "not-listed" });
    const buffer = (path: string) => both.evaluateBuffer({ path, digest: digest(A) }).outcome;
    expect([buffer("b"), buffer("h")]).toEqual(["allowed", "not-listed"]);
  });

  it("is enough for a policy that lists nothing itself, and nothing is not", () => {
    const empty = allowlistOf({ digests: {} });
    expect(() => compileRuntimePolicy(empty, { shared: host })).not.toThrow();
    expect(() => compileRuntimePolicy(empty, { shared: empty })).toThrowError(
      expect.objectContaining({ code: "POLICY_EMPTY" }),
    );
  });
});

describe("is refused as POLICY_EMPTY", () => {
  it.each<[string, object]>([
    ["no digest at all", {}],
    ["digests of other algorithms only", { "/bin/sh": ["c".repeat(40), "d".repeat(96)] }],
    ["the digest of zeros only", { "/bin/sh": ["0".repeat(64)] }],
  ])("with %s and no key: missing trust is never success", (_, digests) => {
    const allowlist = allowlistOf({ digests });
    expect(() => compileRuntimePolicy(allowlist)).toThrowError(
      expect.objectContaining({ code: "POLICY_EMPTY" }),
    );
    expect(compileRuntimePolicy(allowlist, { keyring }).acceptsSignatures).toBe(true);
  });
});

it("shows what it lists to whoever explains it", () => {
  const { files } = compileRuntimePolicy(allowlistOf({ digests: { "/a b": [A] } }));
  expect([...files.exact.entries()]).toEqual([["/a b", [A]]]);
  expect(files.ima.expected("/a_b")).toEqual([A]);
});
