// SPDX-License-Identifier: Apache-2.0

import { Buffer } from "node:buffer";
import { describe, expect, it } from "vitest";
import { compileRuntimePolicy } from "./evaluate.ts";
import { parseRuntimePolicy } from "./runtime-policy.ts";

const A = "a".repeat(64);
const B = "b".repeat(64);
const C = "c".repeat(64);

const digest = (hex: string, algorithm = "sha256") => ({
  algorithm,
  value: Uint8Array.from(Buffer.from(hex, "hex")),
});

const policy = compileRuntimePolicy(
  parseRuntimePolicy({
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
  (source) => (text) => text.startsWith(source),
);

const exact = (path: string, hex: string, algorithm?: string) =>
  policy.evaluateExecution({ path, digest: digest(hex, algorithm) }, "exact");
const ima = (path: string, hex: string) =>
  policy.evaluateExecution({ path, digest: digest(hex) }, "ima");
const buffer = (path: string, hex: string) => policy.evaluateBuffer({ path, digest: digest(hex) });

describe("an execution", () => {
  it("is allowed with any of the digests of its path", () => {
    expect(exact("/bin/sh", A)).toEqual({ outcome: "allowed" });
    expect(exact("/bin/sh", B)).toEqual({ outcome: "allowed" });
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
    expect(exact("/tmp/listed", A)).toEqual({ outcome: "allowed" });
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
    expect(buffer("kernel_version", A)).toEqual({ outcome: "allowed" });
    expect(buffer("kernel_version", B)).toEqual({ outcome: "digest-mismatch", expected: [A] });
    expect(buffer(".ima", B)).toEqual({ outcome: "allowed" });
    expect(buffer("two_words", B)).toEqual({ outcome: "allowed" });
    expect(buffer("/bin/sh", A)).toEqual({ outcome: "not-listed" });
    expect(buffer("/tmp/key", B)).toEqual({ outcome: "excluded" });
    expect(exact("kernel_version", A)).toEqual({ outcome: "not-listed" });
  });
});

it("looks up one table when no path has a space", () => {
  const plain = compileRuntimePolicy(
    parseRuntimePolicy({ digests: { "/a_b": [A] } }),
    () => () => true,
  );
  expect(plain.evaluateExecution({ path: "/a_b", digest: digest(A) }, "ima").outcome).toBe(
    "allowed",
  );
  expect(plain.evaluateExecution({ path: "/a b", digest: digest(A) }, "exact").outcome).toBe(
    "not-listed",
  );
});
