// SPDX-License-Identifier: Apache-2.0

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Administrator, administrate, type Order } from "./administration.ts";
import { joinTokenHash } from "./enrol/admission.ts";
import { type Enrolment, Store } from "./store/store.ts";

const NODE = "0d8c6f5e-6d3a-4c89-9f43-0a7d3c1a2b4e";
const EK = "aa".repeat(32);
const OTHER = "bb".repeat(32);
const NOW = new Date("2026-01-02T03:04:05.678Z");
const ENROLLED: Enrolment = {
  id: NODE,
  ekHash: EK,
  admittedBy: "ek-certificate",
  akPublic: new Uint8Array([1]),
  ekCertificate: null,
  tlsCertificate: "PEM",
  certificateHash: "c1",
  previousHash: null,
  enrolledAt: NOW,
};

let store: Store;
let administrator: Administrator;

beforeEach(() => {
  store = new Store(":memory:");
  const random = (size: number) => new Uint8Array(size).fill(7);
  administrator = { store, actor: "alice", now: () => NOW, random };
});
afterEach(() => store.close());

function order(wanted: Order): string | null {
  return administrate(administrator, wanted);
}

function code(name: string): object {
  return expect.objectContaining({ code: name });
}

describe("an operator", () => {
  it("lets an EK in by its hash, under one id or any, and takes it back", () => {
    order({ action: "ek-add", ekHash: EK, node: null });
    expect(store.admissionOf(EK)).toEqual({ ekHash: EK, admittedBy: "ek-hash", nodeId: null });
    order({ action: "ek-add", ekHash: EK, node: NODE });
    expect(store.admissionOf(EK)?.nodeId).toBe(NODE);
    order({ action: "ek-remove", ekHash: EK });
    expect(store.admissionOf(EK)).toBeNull();
    expect(() => order({ action: "ek-remove", ekHash: EK })).toThrow(code("SUBJECT_UNKNOWN"));
  });

  it("gives out tokens, of which only a hash is kept", () => {
    const token = order({ action: "token-create", hours: 2 }) ?? "";
    expect(token).toMatch(/^[A-Za-z0-9_-]{43}$/);
    const expiresAt = new Date("2026-01-02T05:04:05.678Z");
    const hash = joinTokenHash(token);
    expect(store.findToken(hash)).toEqual({ hash, expiresAt, ekHash: null, nodeId: null });
    expect(JSON.stringify(store.audit())).not.toContain(token);
  });

  it("approves who waits, and nobody else", () => {
    const hash = joinTokenHash(order({ action: "token-create", hours: 2 }) ?? "");
    expect(store.waiting()).toEqual([]);
    store.useToken(hash, EK, NODE);
    store.useToken(hash, OTHER, NODE);
    expect(store.waiting()).toMatchObject([{ ekHash: EK, nodeId: NODE }]);
    const approve = (ekHash: string) => order({ action: "node-approve", ekHash, node: NODE });
    expect(() => approve(OTHER)).toThrow(code("SUBJECT_UNKNOWN"));
    approve(EK);
    expect(store.admissionOf(EK)).toEqual({ ekHash: EK, admittedBy: "join-token", nodeId: NODE });
    expect(store.waiting()).toEqual([]);
  });

  it("binds an id to another TPM, whose key is not known until it enrols", () => {
    store.enrol(ENROLLED);
    order({ action: "node-replace", ekHash: OTHER, node: NODE });
    expect(store.ekHashOf(NODE)).toBe(OTHER);
    expect(store.enrolmentsOf(NODE, 9)).toEqual([]);
    expect(() => store.enrol(ENROLLED)).toThrow(code("NODE_ID_TAKEN"));
    store.enrol({ ...ENROLLED, ekHash: OTHER });
    expect(store.enrolmentsOf(NODE, 9)).toHaveLength(1);
  });

  it("binds an id anew after two machines were seen behind it", () => {
    store.enrol(ENROLLED);
    const copy = { ...ENROLLED, certificateHash: "c2", previousHash: "c0" };
    expect(() => store.enrol(copy)).toThrow(code("NODE_CLONED"));
    order({ action: "node-replace", ekHash: EK, node: NODE });
    store.enrol({ ...ENROLLED, certificateHash: "c2", previousHash: "c1" });
  });

  it("cannot replace a node that nobody knows", () => {
    const replace = { action: "node-replace", ekHash: EK, node: NODE } as const;
    expect(() => order(replace)).toThrow(code("SUBJECT_UNKNOWN"));
  });

  it.each<Order>([
    { action: "ek-add", ekHash: "AA".repeat(32), node: null },
    { action: "ek-add", ekHash: EK, node: "../x" },
    { action: "ek-remove", ekHash: "" },
    { action: "node-approve", ekHash: EK, node: "" },
    { action: "node-replace", ekHash: "aa", node: NODE },
  ])("is asked again for %j", (wanted) => {
    expect(() => order(wanted)).toThrow(code("SUBJECT_INVALID"));
    expect(store.audit()).toEqual([]);
  });

  it("is written down with what was done, and not with what was refused", () => {
    order({ action: "ek-add", ekHash: EK, node: NODE });
    expect(() => order({ action: "ek-remove", ekHash: OTHER })).toThrow();
    expect(store.audit()).toEqual([
      {
        time: NOW,
        actor: "alice",
        action: "ek-add",
        detail: JSON.stringify({ ekHash: EK, node: NODE }),
      },
    ]);
  });
});
