// SPDX-License-Identifier: Apache-2.0

import type { NamespaceEvent } from "@nsattest/ns-ima";
import fc from "fast-check";
import { expect, it } from "vitest";
import { ProtocolError } from "./error.ts";
import { decodeEvent, encodeEvent } from "./event-codec.ts";

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const uint32 = fc.nat(0xffff_ffff);
const line = fc.string({ unit: "grapheme-ascii", maxLength: 60 });
const containerNs = fc
  .tuple(fc.stringMatching(/^[A-Za-z0-9_+-]{1,64}$/), fc.nat())
  .map(([id, counter]) => `${id}/${counter}`);
const ns = fc.oneof(fc.constant("host"), containerNs);
const path = fc
  .uint8Array({ max: 254, maxLength: 300 })
  .map((bytes) => Buffer.from(bytes.map((byte) => byte + 1)).toString("latin1"));
const digest = fc.record({
  algorithm: fc.constantFrom("sha1", "sha256", "sha512", "sha3-256"),
  value: fc.uint8Array({ minLength: 16, maxLength: 64 }),
});

const event: fc.Arbitrary<NamespaceEvent> = fc.oneof(
  fc.record({
    kind: fc.constant("boot" as const),
    ns: fc.constant("host" as const),
    tag: bytes(32),
    bootId: fc.uuid(),
    kernel: line,
    resetCount: uint32,
    restartCount: uint32,
    baseline: bytes(32),
    hostEntries: uint32,
    programs: fc.array(
      fc.record({ name: line, id: uint32, tag: bytes(8), loadTime: fc.maxSafeNat() }),
      { maxLength: 8 },
    ),
    version: line,
  }),
  fc.record({
    kind: fc.constant("ns-open" as const),
    ns: containerNs,
    tag: bytes(32),
    cgroup: fc.maxSafeNat(),
    mountNamespace: uint32,
    pidNamespace: uint32,
    runtime: line,
    declared: fc.boolean(),
    privileged: fc.array(line, { maxLength: 8 }),
    labels: fc
      .uniqueArray(fc.tuple(line, line), { selector: ([key]) => key, maxLength: 8 })
      .map((labels) => labels.sort(([a], [b]) => (a < b ? -1 : 1))),
  }),
  fc.record({
    kind: fc.constant("exec" as const),
    ns,
    how: fc.constantFrom("exec", "map", "mprotect", "anonymous", "rewrite"),
    path,
    digest: fc.option(digest),
    fsMagic: uint32,
    file: fc.maxSafeNat(),
    flags: uint32,
  }),
  fc.tuple(ns, bytes(32), fc.boolean(), uint32).map(([ns, templateDigest, violation, flags]) => {
    templateDigest[0] = 1;
    const shown = violation ? new Uint8Array(32) : templateDigest;
    return { kind: "measured" as const, ns, templateDigest: shown, violation, flags };
  }),
  fc.record({
    kind: fc.constant("mark" as const),
    ns: fc.constant("host" as const),
    index: uint32,
  }),
  fc.record({
    kind: fc.constant("gap" as const),
    ns,
    lost: fc.maxSafeNat(),
    reason: fc.constantFrom(
      "ring-overflow",
      "recursion-miss",
      "late-start",
      "program-changed",
      "unreadable-event",
    ),
  }),
  fc.record({ kind: fc.constant("resync" as const), ns, found: uint32 }),
  fc.record({ kind: fc.constant("ns-close" as const), ns, executions: uint32, reason: line }),
);

it("is read as it was written", () => {
  fc.assert(
    fc.property(event, (event) => {
      expect(decodeEvent(encodeEvent(event))).toEqual(event);
    }),
  );
});

it("is refused with a coded error when it is damaged, or it is another event with just these bytes", () => {
  const damage = fc.record({ at: fc.nat(), byte: fc.nat(255), cut: fc.boolean() });
  fc.assert(
    fc.property(event, damage, (event, { at, byte, cut }) => {
      const bytes = encodeEvent(event);
      const place = at % bytes.length;
      bytes[place] = byte;
      const damaged = cut ? bytes.subarray(0, place) : bytes;
      try {
        expect(encodeEvent(decodeEvent(damaged))).toEqual(damaged);
      } catch (error) {
        expect(error).toBeInstanceOf(ProtocolError);
      }
    }),
    { numRuns: 1000 },
  );
});
