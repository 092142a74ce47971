// SPDX-License-Identifier: Apache-2.0

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Enrolment, Store } from "./store.ts";

const ID = "0d8c6f5e-6d3a-4c89-9f43-0a7d3c1a2b4e";
const FIRST: Enrolment = {
  id: ID,
  ekHash: "aa".repeat(32),
  akPublic: new Uint8Array([1, 2]),
  admittedBy: "ek-certificate",
  ekCertificate: new Uint8Array([3]),
  tlsCertificate: "PEM",
  certificateHash: "c1",
  previousHash: null,
  enrolledAt: new Date("2026-01-02T03:04:05.678Z"),
};

let folder = "";
let file = "";

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "nsattest-store-"));
  file = join(folder, "registrar.db");
});
afterEach(() => rmSync(folder, { recursive: true }));

function node({ id, ekHash, admittedBy, akPublic, enrolledAt }: Enrolment): object {
  return { id, ekHash, admittedBy, akPublic, enrolledAt };
}

describe("the store", () => {
  it("knows nobody at first", () => {
    const store = new Store(file);
    expect(store.ekHashOf(ID)).toBeNull();
    expect(store.enrolmentsOf(ID, 10)).toEqual([]);
    store.close();
  });

  it("remembers an enrolment across a restart", () => {
    const before = new Store(file);
    before.enrol(FIRST);
    before.close();
    const after = new Store(file);
    expect(after.ekHashOf(ID)).toBe(FIRST.ekHash);
    expect(after.enrolmentsOf(ID, 10)).toEqual([node(FIRST)]);
    after.close();
  });

  it("keeps every attestation key of a node, the newest first", () => {
    const store = new Store(file);
    const later = { ...FIRST, akPublic: new Uint8Array([9]), enrolledAt: new Date(0) };
    store.enrol(FIRST);
    store.enrol(later);
    expect(store.enrolmentsOf(ID, 10)).toEqual([node(later), node(FIRST)]);
    expect(store.enrolmentsOf(ID, 1)).toEqual([node(later)]);
    store.close();
  });

  it("refuses an id that belongs to another EK, and keeps nothing of it", () => {
    const store = new Store(file);
    store.enrol(FIRST);
    expect(() => store.enrol({ ...FIRST, ekHash: "bb".repeat(32) })).toThrow(
      expect.objectContaining({ code: "NODE_ID_TAKEN" }),
    );
    expect(store.enrolmentsOf(ID, 10)).toEqual([node(FIRST)]);
    expect(store.ekHashOf(ID)).toBe(FIRST.ekHash);
    store.close();
  });

  it("lets two open databases agree on the owner of an id", () => {
    const [one, two] = [new Store(file), new Store(file)];
    one.enrol(FIRST);
    expect(() => two.enrol({ ...FIRST, ekHash: "bb".repeat(32) })).toThrow(
      expect.objectContaining({ code: "NODE_ID_TAKEN" }),
    );
    one.close();
    two.close();
  });

  it("refuses what is no database, a newer one, and a folder that is not there", () => {
    const failed = expect.objectContaining({ code: "STORE_FAILED" });
    writeFileSync(file, "not a database at all, but long enough to look at".repeat(40));
    expect(() => new Store(file)).toThrow(failed);
    const newer = new Database(join(folder, "newer.db"));
    newer.pragma("user_version = 99");
    newer.close();
    expect(() => new Store(join(folder, "newer.db"))).toThrow(failed);
    expect(() => new Store(join(folder, "none", "registrar.db"))).toThrow(failed);
  });

  it("says so when it was closed", () => {
    const store = new Store(file);
    store.close();
    expect(() => store.ekHashOf(ID)).toThrow(expect.objectContaining({ code: "STORE_FAILED" }));
  });

  describe("follows the certificates of a node", () => {
    let store: Store;
    beforeEach(() => {
      store = new Store(file);
    });
    afterEach(() => store.close());

    function renew(certificateHash: string, previousHash: string | null): void {
      store.enrol({ ...FIRST, certificateHash, previousHash });
    }

    it("as long as each goes on from the last, or from the one before when an answer was lost", () => {
      renew("c1", null);
      renew("c2", "c1");
      renew("c3", "c1");
      renew("c4", "c1");
      renew("c5", "c4");
      expect(store.enrolmentsOf(ID, 9)).toHaveLength(5);
    });

    it("and knows two machines by their certificates, from then on for good", () => {
      const cloned = expect.objectContaining({ code: "NODE_CLONED" });
      renew("c1", null);
      renew("c2", "c1");
      renew("c3", "c1");
      expect(() => renew("c4", "c2")).toThrow(cloned);
      expect(() => renew("c4", "c3")).toThrow(cloned);
      expect(store.enrolmentsOf(ID, 9)).toHaveLength(3);
    });

    it("and takes no machine without a certificate for one that was given several", () => {
      renew("c1", null);
      renew("c2", null);
      renew("c3", "c2");
      expect(() => renew("c4", null)).toThrow(expect.objectContaining({ code: "NODE_CLONED" }));
    });
  });
});
