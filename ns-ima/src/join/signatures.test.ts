// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from "vitest";
import { boot, digest, entry, noRuntime, violation } from "../../test/join-history.ts";
import type { JoinEntry } from "./entry-owner.ts";
import { joinEvidence } from "./join.ts";
import { EMPTY_JOIN } from "./join-state.ts";
import { signaturesOf } from "./signatures.ts";

const bytes = (byte: number) => new Uint8Array(8).fill(byte);
const signed = (word: string, path: string, byte: number): JoinEntry => ({
  ...entry(word, path),
  signature: bytes(byte),
});
const stateOf = (entries: readonly JoinEntry[]) =>
  joinEvidence(EMPTY_JOIN, entries, [boot(0)], noRuntime).state;

describe("the signatures of a digest", () => {
  it("are those of all entries with it, each once, pending ones too", () => {
    const list = [
      signed("tool", "/bin/tool", 1),
      entry("tool", "/bin/unsigned"),
      signed("tool", "/bin/copy", 1),
      signed("tool", "/bin/other", 2),
      signed("library", "/lib/library", 3),
    ];
    const state = stateOf(list);
    expect(new Set(signaturesOf(state, digest("tool")))).toEqual(new Set([bytes(1), bytes(2)]));
    expect(signaturesOf(state, digest("library"))).toEqual([bytes(3)]);
    expect(signaturesOf(state, digest("unknown"))).toEqual([]);
  });

  // Without it a signature of one algorithm's digest would vouch for another file with the same bytes for a digest.
  it("are of the same algorithm", () => {
    const { value } = digest("tool");
    const state = stateOf([signed("tool", "/bin/tool", 1)]);
    expect(signaturesOf(state, { algorithm: "verity:sha256", value })).toEqual([]);
    expect(signaturesOf(state, { algorithm: "sha256", value: new Uint8Array(value) })).toEqual([
      bytes(1),
    ]);
  });

  // What a violation says besides is whatever the sender wrote; a digest of zeros names no content.
  it("are none of violations and of what the kernel could not read", () => {
    const state = stateOf([{ ...violation, signature: bytes(1) }, signed("", "/bin/direct", 2)]);
    expect(signaturesOf(state, digest(""))).toEqual([]);
  });

  it("are those that were known to the state that is asked", () => {
    const first = stateOf([signed("tool", "/bin/tool", 1)]);
    const second = joinEvidence(first, [signed("tool", "/bin/copy", 2)], [], noRuntime).state;
    expect(signaturesOf(first, digest("tool"))).toEqual([bytes(1)]);
    expect(signaturesOf(second, digest("tool"))).toHaveLength(2);
  });
});
