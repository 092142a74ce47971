// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from "vitest";
import { vectorKey } from "../../test/signature-vectors.ts";
import { NsImaError } from "../error.ts";
import type { DigestTable } from "./digest-table.ts";
import { parseRuntimePolicy } from "./runtime-policy.ts";

const A = "a".repeat(64);
const B = "b".repeat(64);
const SHA1 = "c".repeat(40);

/** A document as Keylime's tools write it. */
const keylime = {
  meta: { version: 1, generator: 3, timestamp: "2025-01-01 00:00:00" },
  release: 0,
  digests: { "/bin/sh": [A, SHA1], "/opt/a b": [B], boot_aggregate: ["0".repeat(64)] },
  excludes: ["/tmp/.*"],
  keyrings: { ".ima": [A] },
  ima: { ignored_keyrings: [], log_hash_alg: "sha1", dm_policy: null },
  "ima-buf": { kernel_version: [B], ".ima": [B] },
  "verification-keys": "",
};

function problemsOf(document: unknown): { code: string; problems: readonly string[] } {
  try {
    parseRuntimePolicy(document);
  } catch (error) {
    if (error instanceof NsImaError) return { code: error.code, problems: error.problems };
    throw error;
  }
  return { code: "none", problems: [] };
}

/** What a policy says of some paths and names. */
function digestsOf(document: unknown, paths: readonly string[], buffers: readonly string[] = []) {
  const policy = parseRuntimePolicy(document);
  const known = (table: DigestTable, names: readonly string[]) =>
    names.filter((name) => table.has(name)).map((name) => [name, table.expected(name)]);
  return { files: known(policy.files.exact, paths), buffers: known(policy.buffers, buffers) };
}

describe("a Keylime policy", () => {
  it("is read with its SHA-256 digests, never with the digest of zeros", () => {
    const paths = ["/bin/sh", "/opt/a b", "boot_aggregate", "/nowhere"];
    expect(digestsOf(keylime, paths, ["kernel_version", ".ima", "/bin/sh"])).toEqual({
      files: [
        ["/bin/sh", [A]],
        ["/opt/a b", [B]],
        ["boot_aggregate", []],
      ],
      buffers: [
        ["kernel_version", [B]],
        [".ima", [B, A]],
      ],
    });
    expect(parseRuntimePolicy(keylime)).toMatchObject({ excludes: ["/tmp/.*"], keys: [] });
  });

  it("is read from its text", () => {
    const paths = Object.keys(keylime.digests);
    expect(digestsOf(JSON.stringify(keylime), paths)).toEqual(digestsOf(keylime, paths));
  });

  it("may lack what only narrows, and have members of others", () => {
    const document = { digests: { "/a": [A] }, ima: {}, ours: { x: 1 } };
    expect(digestsOf(document, ["/a"])).toEqual({ files: [["/a", [A]]], buffers: [] });
    expect(parseRuntimePolicy(document).excludes).toEqual([]);
  });

  it("has its paths as bytes, whatever they are called", () => {
    const text = `{"digests": {"/ü": ["${A}"], "__proto__": ["${A}"], "constructor": ["${B}"]}}`;
    expect(
      digestsOf(text, ["/ü", "/\xc3\xbc", "__proto__", "constructor", "toString"]).files,
    ).toEqual([
      ["/\xc3\xbc", [A]],
      ["__proto__", [A]],
      ["constructor", [B]],
    ]);
  });

  it("brings keys along, as text of a keyring", () => {
    const { spki, keyId } = vectorKey("p256");
    const keyring = JSON.stringify({
      meta: { version: 1 },
      keyids: [Number.parseInt(keyId, 16)],
      pubkeys: [spki.toString("base64")],
    });
    for (const text of [keyring, JSON.stringify(keyring)]) {
      const { keys } = parseRuntimePolicy({ ...keylime, "verification-keys": text });
      expect(keys.map(({ id }) => id)).toEqual([keyId]);
    }
  });
});

describe("is refused as POLICY_MALFORMED", () => {
  it.each([
    ["no JSON", "{"],
    ["empty text", ""],
    ["null", null],
    ["an array", []],
    ["text", '"{}"'],
    ["a number", 7],
  ])("when it is %s", (_, document) => {
    expect(problemsOf(document)).toEqual({ code: "POLICY_MALFORMED", problems: [] });
  });

  it.each<[string, object]>([
    ["digests: not an object", { digests: undefined }],
    ["digests: not an object", { digests: [A] }],
    ["digests: not an object", { digests: null }],
    ['digests[""]: not a path', { digests: { "": [A] } }],
    ['digests["/\\ud800"]: not a path', { digests: { "/\ud800": [A] } }],
    ['digests["/a"]: no digest', { digests: { "/a": [] } }],
    ['digests["/a"]: not an array of strings', { digests: { "/a": A } }],
    ['digests["/a"]: not an array of strings', { digests: { "/a": [A, 7] } }],
    ['digests["/a"][1]: not a digest', { digests: { "/a": [A, A.toUpperCase()] } }],
    ['digests["/a"][0]: not a digest', { digests: { "/a": ["a".repeat(39)] } }],
    ['digests["/a"][0]: not a digest', { digests: { "/a": ["a".repeat(129)] } }],
    ['digests["/a"][0]: not a digest', { digests: { "/a": [`sha256:${A}`] } }],
    ['digests["/a"][0]: not a digest', { digests: { "/a": [`${A}\n`] } }],
    ["excludes: not an array of strings", { excludes: "/tmp" }],
    ["excludes: not an array of strings", { excludes: ["/tmp", null] }],
    ["keyrings: not an object", { keyrings: [] }],
    ["ima-buf: not an object", { "ima-buf": null }],
    ["ima: not an object", { ima: "sha1" }],
    ["ima.ignored_keyrings: not an array", { ima: { ignored_keyrings: "*" } }],
    ["verification-keys: not a string", { "verification-keys": { pubkeys: [] } }],
    ["meta.version: not a version", { meta: {} }],
    ["meta.version: not a version", { meta: 1 }],
    ["meta.version: not a version", { meta: { version: "1" } }],
    ["meta.version: not a version", { meta: { version: 0.5 } }],
    ["meta.version: not a version", { meta: { version: -1 } }],
  ])("with %s", (problem, members) => {
    const { code, problems } = problemsOf({ ...keylime, ...members });
    expect(code).toBe("POLICY_MALFORMED");
    expect(problems.join("\n")).toContain(problem);
  });

  it("with all its problems at once, the gravest first", () => {
    const document = { digests: { "/a": ["x"], "": [A] }, excludes: 1, meta: { version: 2 } };
    expect(() => parseRuntimePolicy(document)).toThrow(/\(and 3 more\)$/);
    expect(problemsOf(document)).toEqual({
      code: "POLICY_MALFORMED",
      problems: [
        'digests["/a"][0]: not a digest in lower-case hex',
        'digests[""]: not a path',
        "excludes: not an array of strings",
        "meta.version: 2, at most 1",
      ],
    });
  });
});

describe("is refused as POLICY_UNSUPPORTED", () => {
  it.each<[string, object]>([
    ["meta.version", { meta: { version: 2 } }],
    ["ima.ignored_keyrings", { ima: { ignored_keyrings: ["*"] } }],
    ["ima.log_hash_alg", { ima: { log_hash_alg: "sha256" } }],
    ["ima.dm_policy", { ima: { dm_policy: {} } }],
  ])("with %s, which would not be evaluated", (member, members) => {
    const { code, problems } = problemsOf({ ...keylime, ...members });
    expect(code).toBe("POLICY_UNSUPPORTED");
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(member);
  });
});

it("is refused as KEYRING_MALFORMED with keys that cannot be used", () => {
  const keys = JSON.stringify({ keyids: [1, 2], pubkeys: ["AAAA", 7] });
  const { code, problems } = problemsOf({ ...keylime, "verification-keys": keys });
  expect(code).toBe("KEYRING_MALFORMED");
  expect(problems).toEqual([
    expect.stringContaining("verification-keys: pubkeys[0]: "),
    "verification-keys: pubkeys[1]: not a string",
  ]);
});
