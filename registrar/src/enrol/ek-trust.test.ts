// SPDX-License-Identifier: Apache-2.0

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { FakeVendors } from "../../test/fake-vendor.ts";
import { loadEkTrust } from "./ek-trust.ts";

// RSA keys take seconds to make on a busy machine.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const vendors = new FakeVendors(new Date("2026-01-02T03:04:05Z"));
const [one, two, three] = ["One", "Two", "Three"].map((name) => vendors.root(name).certificate);

let roots = "";
let intermediates = "";
let folder = "";

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "nsattest-trust-"));
  roots = join(folder, "roots");
  intermediates = join(folder, "intermediates");
  mkdirSync(roots);
  mkdirSync(intermediates);
});
afterEach(() => rmSync(folder, { recursive: true }));

const unreadable = expect.objectContaining({ code: "EK_TRUST_UNREADABLE" });

describe("the folders of EK issuers", () => {
  it("may hold several files and several certificates in one", async () => {
    writeFileSync(join(roots, "a.pem"), `Vendor\n${one}text between\n${two}`);
    writeFileSync(join(roots, "b.crt"), `${three}`);
    writeFileSync(join(intermediates, "c.cer"), `${three}`.replaceAll("\n", "\r\n"));
    const trust = await loadEkTrust(roots, intermediates);
    expect(trust.roots.map(({ subject }) => subject)).toEqual(["CN=One", "CN=Two", "CN=Three"]);
    expect(trust.intermediates.map(({ subject }) => subject)).toEqual(["CN=Three"]);
  });

  it("may be empty, or hold other files", async () => {
    writeFileSync(join(roots, "README.md"), "nothing to read");
    writeFileSync(join(roots, ".hidden.pem"), "nothing to read");
    expect(await loadEkTrust(roots, null)).toEqual({ roots: [], intermediates: [] });
  });

  it("are refused when they are not there, or hold what is no certificate", async () => {
    await expect(loadEkTrust(join(folder, "none"), null)).rejects.toThrow(unreadable);
    await expect(loadEkTrust(roots, join(folder, "none"))).rejects.toThrow(unreadable);
    writeFileSync(join(roots, "key.pem"), "-----BEGIN PRIVATE KEY-----");
    await expect(loadEkTrust(roots, null)).rejects.toThrow(unreadable);
    writeFileSync(
      join(roots, "key.pem"),
      "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    );
    await expect(loadEkTrust(roots, null)).rejects.toThrow(unreadable);
    rmSync(join(roots, "key.pem"));
    mkdirSync(join(roots, "folder.pem"));
    await expect(loadEkTrust(roots, null)).rejects.toThrow(unreadable);
  });
});
