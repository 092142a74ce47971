// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from "vitest";
import { type PendingEnrolment, PendingEnrolments } from "./pending-enrolments.ts";

const START = new Date("2026-01-02T03:04:05Z");
const LIMITS = { lifetimeMs: 1000, total: 3, perEk: 2 };

function after(ms: number): Date {
  return new Date(START.getTime() + ms);
}

function pending(ekHash: string): PendingEnrolment {
  const none = new Uint8Array();
  const bytes = { akPublic: none, tlsKey: none, credential: none };
  const admitted = { by: "ek-hash", ekCertificate: null, unapproved: null } as const;
  return { nodeId: "node", ekHash, admitted, previousCertificate: null, ...bytes };
}

function refused(code: string): object {
  return expect.objectContaining({ code });
}

describe("a pending enrolment", () => {
  it("is given out once", () => {
    const enrolments = new PendingEnrolments(LIMITS);
    const one = pending("a");
    enrolments.add("1", one, START);
    expect(enrolments.take("1", after(999))).toBe(one);
    expect(() => enrolments.take("1", after(999))).toThrow(refused("ENROLMENT_UNKNOWN"));
  });

  it("expires", () => {
    const enrolments = new PendingEnrolments(LIMITS);
    enrolments.add("1", pending("a"), START);
    expect(() => enrolments.take("1", after(1000))).toThrow(refused("ENROLMENT_EXPIRED"));
    expect(() => enrolments.take("1", START)).toThrow(refused("ENROLMENT_UNKNOWN"));
  });

  it("is refused when there are too many, until some expire", () => {
    const enrolments = new PendingEnrolments(LIMITS);
    for (const [index, ek] of ["a", "b", "c"].entries()) {
      enrolments.add(ek, pending(ek), after(index));
    }
    expect(() => enrolments.add("d", pending("d"), after(999))).toThrow(refused("ENROLMENT_BUSY"));
    enrolments.add("d", pending("d"), after(1000));
    expect(() => enrolments.take("a", after(1000))).toThrow(refused("ENROLMENT_UNKNOWN"));
    enrolments.take("b", after(1000));
  });

  it("gives way to a newer one of the same EK only", () => {
    const enrolments = new PendingEnrolments(LIMITS);
    enrolments.add("b", pending("b"), START);
    for (const id of ["1", "2", "3", "4"]) enrolments.add(id, pending("a"), START);
    for (const id of ["1", "2"]) {
      expect(() => enrolments.take(id, START)).toThrow(refused("ENROLMENT_UNKNOWN"));
    }
    for (const id of ["b", "3", "4"]) enrolments.take(id, START);
  });
});
