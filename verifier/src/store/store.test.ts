// SPDX-License-Identifier: Apache-2.0

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type JudgedRound, type Outcome, Store } from "./store.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "nsattest-store-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const AK = new Uint8Array([1, 2, 3]);

function round(received: number): JudgedRound {
  return { received, policy: "v1", evidence: new Uint8Array([received]), standing: "s" };
}

/** Evidence of the node that was accepted. */
function outcome(standing: string, change: Partial<Outcome> = {}): Outcome {
  return { node: "a", received: 7, validUntil: 9, accepted: true, standing, ...change };
}

function openWithNode(path = ":memory:"): Store {
  const store = Store.open(path);
  store.savePolicy("v1", "documents");
  store.pin("a", AK, true, 0);
  return store;
}

function receivedOf(store: Store): readonly number[] {
  return [...store.rounds("a")].map(({ received }) => received);
}

describe("Store", () => {
  it("keeps a node's history over a restart", () => {
    const path = join(folder, "verifier.db");
    const before = openWithNode(path);
    before.commit(outcome("s1", { round: round(1), newBoot: "boot" }));
    before.commit(outcome("s2", { round: round(2) }));
    before.commit(outcome("s3"));
    before.close();

    const after = Store.open(path);
    expect(after.findNode("a")).toEqual({
      id: "a",
      akPublic: Buffer.from(AK),
      ekChained: 1,
      standing: "s3",
      validUntil: 9,
      lastContact: 7,
      claimedBoot: null,
    });
    expect([...after.rounds("a")]).toEqual([
      { received: 1, policy: "v1", evidence: Buffer.from([1]) },
      { received: 2, policy: "v1", evidence: Buffer.from([2]) },
    ]);
    expect(after.findPolicy("v1")).toBe("documents");
    after.close();
  });

  it("gives the rounds of the present boot only", () => {
    const store = openWithNode();
    store.commit(outcome("s", { round: round(1), newBoot: "first" }));
    store.commit(outcome("s", { round: round(2), newBoot: "second" }));
    store.commit(outcome("s", { round: round(3) }));
    expect(receivedOf(store)).toEqual([2, 3]);
  });

  it("begins a new history with a new key", () => {
    const store = openWithNode();
    store.commit(outcome("s", { round: round(1), newBoot: "first" }));
    store.pin("a", new Uint8Array([9]), false, 5);
    expect(receivedOf(store)).toEqual([]);
    expect(store.findNode("a")).toMatchObject({
      akPublic: Buffer.from([9]),
      ekChained: 0,
      standing: "s",
    });
    store.setEkChained("a", true);
    expect(store.findNode("a")?.ekChained).toBe(1);
  });

  it("writes nothing of a round that cannot be written whole", () => {
    const store = openWithNode();
    store.commit(outcome("good", { round: round(1), newBoot: "first" }));
    const broken = { ...round(2), policy: "never saved" };
    expect(() => store.commit(outcome("bad", { round: broken, newBoot: "x" }))).toThrow();
    expect(receivedOf(store)).toEqual([1]);
    expect(store.findNode("a")?.standing).toBe("good");
  });

  it("knows nothing of strangers", () => {
    const store = openWithNode();
    expect(store.findNode("b")).toBeNull();
    expect([...store.rounds("b")]).toEqual([]);
    expect(store.findPolicy("v2")).toBeNull();
    expect(store.listNodes()).toMatchObject([{ id: "a", standing: null }]);
  });

  it("remembers when a node was in touch, and what it claims until it has proven its boot", () => {
    const store = openWithNode();
    expect(store.findNode("a")).toMatchObject({ lastContact: 0, claimedBoot: null });
    store.meet("a", 5, "boot");
    expect(store.findNode("a")).toMatchObject({ lastContact: 5, claimedBoot: "boot" });
    store.commit(outcome("s", { accepted: false }));
    expect(store.findNode("a")).toMatchObject({ lastContact: 7, claimedBoot: "boot" });
    store.commit(outcome("s"));
    expect(store.findNode("a")).toMatchObject({ lastContact: 7, claimedBoot: null });
  });

  it("keeps a standing that is not written again", () => {
    const store = openWithNode();
    store.commit(outcome("s"));
    store.commit(outcome("", { standing: undefined, validUntil: 20 }));
    expect(store.findNode("a")).toMatchObject({ standing: "s", validUntil: 20 });
  });

  it("keeps the first documents of a version", () => {
    const store = openWithNode();
    store.savePolicy("v1", "others");
    expect(store.findPolicy("v1")).toBe("documents");
  });

  it.each([
    [
      "no database",
      (path: string) => writeFileSync(path, "not a database at all, but long enough"),
    ],
    ["another layout", (path: string) => new Database(path).pragma("user_version = 99")],
  ])("refuses a file that is %s", (_, prepare) => {
    const path = join(folder, "verifier.db");
    prepare(path);
    expect(() => Store.open(path)).toThrow(expect.objectContaining({ code: "STORE_FAILED" }));
  });

  it("refuses a path where no file can be", () => {
    expect(() => Store.open(join(folder, "no/such/folder.db"))).toThrow(
      expect.objectContaining({ code: "STORE_FAILED" }),
    );
  });

  it("opens read-only what a verifier has open, and changes nothing", () => {
    const path = join(folder, "verifier.db");
    const store = openWithNode(path);
    store.commit(outcome("s1", { round: round(1), newBoot: "boot" }));
    const reader = Store.openReadOnly(path);
    expect([...reader.judgedRounds("a")]).toEqual([{ ...round(1), evidence: Buffer.from([1]) }]);
    expect(() => reader.commit(outcome("s2"))).toThrow("readonly");
    reader.close();
    expect(store.findNode("a")?.standing).toBe("s1");
    store.close();
  });

  it("does not make a database to read it, nor reads what is none", () => {
    const path = join(folder, "verifier.db");
    const failed = expect.objectContaining({ code: "STORE_FAILED" });
    expect(() => Store.openReadOnly(path)).toThrow(failed);
    writeFileSync(path, "");
    expect(() => Store.openReadOnly(path)).toThrow(failed);
    writeFileSync(path, "not a database, whatever its name says");
    expect(() => Store.openReadOnly(path)).toThrow(failed);
  });
});
