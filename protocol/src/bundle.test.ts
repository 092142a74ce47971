// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from "vitest";
import { decodeBundle, type EvidenceBundle, encodeBundle, type StoredStanding } from "./bundle.ts";
import { type CborValue, decodeCbor, encodeCbor } from "./cbor.ts";
import { BUNDLE_MAX, BUNDLE_ROUNDS_MAX, EVIDENCE_MAX } from "./limits.ts";

const fill = (length: number, byte: number) => new Uint8Array(length).fill(byte);
const coded = (code: string, at = "") =>
  expect.objectContaining({ name: "ProtocolError", code, message: expect.stringContaining(at) });

const affirming: StoredStanding["host"] = { tier: "affirming", reasons: [], limits: [] };
const good: StoredStanding = {
  quoteVerified: true,
  host: affirming,
  namespaces: { "web/1": affirming },
};
const bad: StoredStanding = {
  ...good,
  namespaces: {
    "web/1": {
      tier: "contraindicated",
      reasons: [{ code: "NOT_IN_ALLOWLIST", path: "/bin/ü", digest: "sha256:ab", detail: "x" }],
      limits: ["BOOT_UNVERIFIED"],
    },
  },
};
const [V1, V2] = ["1".repeat(64), "2".repeat(64)];
const bundle: EvidenceBundle = {
  node: "f49dc252-9d68-4752-a07d-a6f80480bb92",
  akPublic: fill(300, 1),
  pendingSeconds: 120,
  policies: [
    { version: V1, documents: '{"a.json":"{}\\n"}' },
    { version: V2, documents: "\u2028 any text" },
  ],
  rounds: [
    { received: 1000, policy: V1, evidence: fill(20, 2), standing: good },
    { received: 2000, policy: V1, evidence: fill(30, 3), standing: bad },
    { received: 2000, policy: V2, evidence: fill(40, 4), standing: good },
  ],
};
const fields = decodeCbor(encodeBundle(bundle), BUNDLE_MAX) as ReadonlyMap<string, CborValue>;

/** The bundle with one field replaced, or (undefined) left out. */
function withField(name: string, value: CborValue | undefined): Uint8Array {
  const changed = new Map(fields);
  if (value === undefined) changed.delete(name);
  else changed.set(name, value);
  return encodeCbor(changed);
}

const utf8 = (text: string) => new TextEncoder().encode(text);

describe("a bundle", () => {
  it("is read as it was written", () => {
    expect(decodeBundle(encodeBundle(bundle))).toEqual(bundle);
    const empty = { ...bundle, policies: [], rounds: [] };
    expect(decodeBundle(encodeBundle(empty))).toEqual(empty);
  });

  it("has each standing and each policy once", () => {
    expect([...fields.keys()]).toEqual([
      "v",
      "node",
      "akPublic",
      "pendingSeconds",
      "policies",
      "standings",
      "rounds",
    ]);
    expect(fields.get("standings")).toHaveLength(2);
    expect(fields.get("rounds")).toEqual([
      [1000, 0, fill(20, 2), 0],
      [2000, 0, fill(30, 3), 1],
      [2000, 1, fill(40, 4), 0],
    ]);
  });

  it("cannot be written with a round of a policy that is not in it", () => {
    expect(() => encodeBundle({ ...bundle, policies: [] })).toThrow(coded("FIELD_INVALID"));
  });

  it.each([0, 2, "1", null])("of version %j is refused", (version) => {
    expect(() => decodeBundle(withField("v", version))).toThrow(coded("VERSION_UNSUPPORTED"));
  });

  it("cut anywhere, or with more behind it, is refused", () => {
    const bytes = encodeBundle(bundle);
    for (let length = 0; length < bytes.length; length += 7) {
      expect(() => decodeBundle(bytes.slice(0, length))).toThrow(coded("CBOR_MALFORMED"));
    }
    expect(() => decodeBundle(Buffer.concat([bytes, bytes]))).toThrow(coded("CBOR_MALFORMED"));
  });

  it.each<[string, string, CborValue | undefined, string]>([
    ["FIELD_MISSING", "akPublic", undefined, "bundle.akPublic"],
    ["FIELD_INVALID", "akPublic", fill(4097, 0), "bundle.akPublic"],
    ["FIELD_INVALID", "node", "../etc", "bundle.node"],
    ["FIELD_INVALID", "pendingSeconds", 86_401, "bundle.pendingSeconds"],
    ["FIELD_INVALID", "policies", [["x", utf8("{}")]], "version"],
    ["FIELD_INVALID", "policies", [[V1, "{}"]], "documents"],
    ["FIELD_INVALID", "policies", [[V1, new Uint8Array([0xff])]], "is not UTF-8"],
    [
      "FIELD_INVALID",
      "policies",
      [
        [V1, utf8("a")],
        [V1, utf8("b")],
      ],
      "a version twice",
    ],
    ["FIELD_INVALID", "rounds", [[1, 2, fill(1, 1), 0]], "rounds[0].policy"],
    ["FIELD_INVALID", "rounds", [[1, 0, fill(1, 1), 2]], "rounds[0].standing"],
    ["FIELD_INVALID", "rounds", [[1, 0, fill(0, 1), 0]], "evidence"],
    ["FIELD_INVALID", "rounds", [[1, 0, fill(1, 1)]], "rounds[0]"],
    ["JSON_MALFORMED", "standings", [utf8("{")], ""],
    ["FIELD_INVALID", "standings", [utf8("[]")], "standing is not an object"],
    ["FIELD_MISSING", "standings", [utf8('{"quoteVerified":true}')], "standing.host"],
    ["FIELD_INVALID", "standings", [standing({ namespaces: [] })], "standing.namespaces"],
    ["FIELD_INVALID", "standings", [standing({ namespaces: { "a b/1": affirming } })], "key"],
    ["FIELD_INVALID", "standings", [standing({ host: { ...affirming, tier: "fine" } })], "tier"],
    ["FIELD_UNKNOWN", "more", 1, "more"],
  ])("is refused: %s for %s", (code, name, value, at) => {
    expect(() => decodeBundle(withField(name, value))).toThrow(coded(code, at));
  });

  it("has at most so many rounds, of at most so many bytes", () => {
    const rounds = (count: number) => new Array<CborValue>(count).fill([1, 0, fill(1, 1), 0]);
    const most = decodeBundle(withField("rounds", rounds(BUNDLE_ROUNDS_MAX)));
    expect(most.rounds).toHaveLength(BUNDLE_ROUNDS_MAX);
    expect(() => decodeBundle(withField("rounds", rounds(BUNDLE_ROUNDS_MAX + 1)))).toThrow(
      coded("FIELD_INVALID", "bundle.rounds"),
    );
    const long = (length: number) => withField("rounds", [[1, 0, fill(length, 1), 0]]);
    expect(decodeBundle(long(EVIDENCE_MAX)).rounds).toHaveLength(1);
    expect(() => decodeBundle(long(EVIDENCE_MAX + 1))).toThrow(coded("FIELD_INVALID", "evidence"));
  });

  it("has at most so many bytes", () => {
    const refused = coded("MESSAGE_TOO_LARGE");
    expect(() => decodeBundle(new Uint8Array(BUNDLE_MAX + 1))).toThrow(refused);
    expect(() => decodeBundle(new Uint8Array(BUNDLE_MAX))).not.toThrow(refused);
  });
});

function standing(change: object): Uint8Array {
  return utf8(JSON.stringify({ ...good, ...change }));
}
