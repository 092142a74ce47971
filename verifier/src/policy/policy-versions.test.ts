// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from "vitest";
import { policyDocuments } from "../../../test/fakes/verifier-bench.ts";
import { type PolicySet, parsePolicySet } from "./policy-set.ts";
import { PolicyVersions } from "./policy-versions.ts";

const setOf = (note: number): PolicySet =>
  parsePolicySet(policyDocuments({ "note.json": { note } }));
const inForce = parsePolicySet(policyDocuments());
const [a, b, c] = [setOf(1), setOf(2), setOf(3)];

/** Versions that keep `limit` old ones, and which of them had to be read. */
function counting(limit?: number) {
  const read: string[] = [];
  const stored = new Map([inForce, a, b, c].map(({ version, documents }) => [version, documents]));
  const documentsOf = (version: string): string | null => {
    read.push(version);
    return stored.get(version) ?? null;
  };
  return { read, versions: new PolicyVersions(inForce, documentsOf, limit) };
}

describe("a version", () => {
  it("in force is not read again", () => {
    const { read, versions } = counting();
    expect(versions.of(inForce.version)).toBe(inForce);
    expect(read).toEqual([]);
  });

  it("is read once, and shares what is the same", () => {
    const { read, versions } = counting();
    const set = versions.of(a.version);
    expect(set.version).toBe(a.version);
    expect(versions.of(a.version)).toBe(set);
    expect(read).toEqual([a.version]);
    expect(set.parts.checks).toBe(inForce.parts.checks);
    for (const [content, allowlist] of set.parts.allowlists) {
      expect(inForce.parts.allowlists.get(content)).toBe(allowlist);
    }
  });

  it("is forgotten when there are too many, the longest unused first", () => {
    const { read, versions } = counting(2);
    for (const { version } of [a, b, a, c, a]) versions.of(version);
    expect(read).toEqual([a, b, c].map(({ version }) => version));
    versions.of(b.version);
    expect(read).toHaveLength(4);
  });

  it("that was never stored is none", () => {
    expect(() => counting().versions.of("00")).toThrow("no policies of version 00");
  });
});
