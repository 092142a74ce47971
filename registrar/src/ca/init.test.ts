// SPDX-License-Identifier: Apache-2.0

import { X509Certificate } from "node:crypto";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { initAuthority } from "./init.ts";
import { loadAuthority } from "./load.ts";

// RSA keys take seconds to make on a busy machine.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const NOW = new Date("2026-01-02T03:04:05Z");
const HOSTS = ["127.0.0.1", "10.0.2.2", "::1", "registrar.example"];

let scratch = "";
let made = "";

beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), "nsattest-ca-"));
  made = join(scratch, "deep", "ca");
  await initAuthority(made, { hosts: HOSTS, now: NOW });
});
afterAll(() => rmSync(scratch, { recursive: true }));

function certificate(name: string): X509Certificate {
  return new X509Certificate(readFileSync(join(made, `${name}.crt`)));
}

describe("a new authority", () => {
  it("holds a certificate and a key for each, readable by the owner alone", () => {
    expect(readdirSync(made).sort()).toEqual(
      ["ca", "operator", "registrar", "verifier"].flatMap((name) => [`${name}.crt`, `${name}.key`]),
    );
    expect(statSync(made).mode & 0o777).toBe(0o700);
    for (const file of readdirSync(made)) {
      expect(statSync(join(made, file)).mode & 0o777, file).toBe(0o600);
    }
    expect(readdirSync(join(scratch, "deep"))).toEqual(["ca"]);
  });

  it("names roles and hosts where a peer looks for them", () => {
    expect(certificate("registrar").subjectAltName).toBe(
      "URI:nsattest:registrar, IP Address:127.0.0.1, IP Address:10.0.2.2, IP Address:0:0:0:0:0:0:0:1, DNS:registrar.example",
    );
    expect(certificate("verifier").subjectAltName).toContain("URI:nsattest:verifier, IP");
    expect(certificate("operator").subjectAltName).toBe("URI:nsattest:operator");
  });

  it("gives each side of a connection its usage", () => {
    const [server, client] = ["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"];
    expect(certificate("registrar").keyUsage).toEqual([server]);
    expect(certificate("verifier").keyUsage).toEqual([server, client]);
    expect(certificate("operator").keyUsage).toEqual([client]);
  });

  it("has one issuer and different keys", () => {
    const ca = certificate("ca");
    expect(ca.ca).toBe(true);
    const names = ["registrar", "verifier", "operator"];
    for (const name of names) {
      const issued = certificate(name);
      expect(issued.ca).toBe(false);
      expect(issued.checkIssued(ca)).toBe(true);
      expect(issued.verify(ca.publicKey)).toBe(true);
    }
    const keys = ["ca", ...names].map((name) => readFileSync(join(made, `${name}.key`), "utf8"));
    expect(new Set(keys).size).toBe(4);
  });

  it("is valid a little before it was made, for clocks that are behind", () => {
    const { validFrom, validTo } = certificate("verifier");
    expect(new Date(validFrom)).toEqual(new Date("2026-01-02T02:04:05Z"));
    expect(new Date(validTo)).toEqual(new Date("2035-12-31T03:04:05Z"));
  });
});

describe("making an authority", () => {
  it("overwrites nothing", async () => {
    const before = readFileSync(join(made, "ca.key"));
    await expect(initAuthority(made, { hosts: HOSTS, now: NOW })).rejects.toMatchObject({
      code: "CA_EXISTS",
    });
    expect(readFileSync(join(made, "ca.key"))).toEqual(before);
    expect(readdirSync(join(scratch, "deep"))).toEqual(["ca"]);
  });

  it("refuses a folder with anything in it, and a file", async () => {
    const other = join(scratch, "other");
    mkdirSync(other);
    writeFileSync(join(other, "note"), "");
    for (const dir of [other, join(other, "note")]) {
      await expect(initAuthority(dir, { hosts: HOSTS, now: NOW })).rejects.toMatchObject({
        code: "CA_EXISTS",
      });
    }
  });

  it("uses an empty folder", async () => {
    const empty = join(scratch, "empty");
    mkdirSync(empty);
    chmodSync(empty, 0o755);
    await initAuthority(empty, { hosts: ["localhost"], now: NOW });
    expect(statSync(empty).mode & 0o777).toBe(0o700);
  });

  it.each([[[]], [[""]], [["a b"]], [["*"]], [["-x"]], [["a..b"]], [["10.0.2.2", "a\nb"]]])(
    "refuses %j as hosts",
    async (hosts) => {
      const dir = join(scratch, "hosts");
      await expect(initAuthority(dir, { hosts, now: NOW })).rejects.toMatchObject({
        code: "HOST_INVALID",
      });
      expect(readdirSync(scratch)).not.toContain("hosts");
    },
  );
});

describe("loading an authority", () => {
  it("gives the issuer and the registrar's own certificate", async () => {
    const { ca, server } = await loadAuthority(made, NOW);
    expect(new X509Certificate(server.certificate).checkPrivateKey(server.key)).toBe(true);
    expect(new X509Certificate(ca.certificate).checkPrivateKey(ca.key)).toBe(true);
  });

  it.each(["2026-01-02T02:04:04Z", "2035-12-31T03:04:06Z"])("refuses it at %s", async (now) => {
    await expect(loadAuthority(made, new Date(now))).rejects.toMatchObject({ code: "CA_EXPIRED" });
  });

  it("refuses a missing folder, a broken file, a foreign key and a foreign certificate", async () => {
    await expect(loadAuthority(join(scratch, "none"), NOW)).rejects.toMatchObject({
      code: "CA_UNREADABLE",
    });
    const copy = (changes: Record<string, string>): string => {
      const dir = mkdtempSync(join(scratch, "copy-"));
      for (const file of readdirSync(made)) {
        writeFileSync(join(dir, file), changes[file] ?? readFileSync(join(made, file)));
      }
      return dir;
    };
    const text = (file: string): string => readFileSync(join(made, file), "utf8");
    await expect(loadAuthority(copy({ "ca.crt": "-----" }), NOW)).rejects.toMatchObject({
      code: "CA_UNREADABLE",
    });
    await expect(
      loadAuthority(copy({ "ca.key": text("verifier.key") }), NOW),
    ).rejects.toMatchObject({ code: "CA_MISMATCH" });
    await expect(
      loadAuthority(copy({ "ca.crt": text("verifier.crt"), "ca.key": text("verifier.key") }), NOW),
    ).rejects.toMatchObject({ code: "CA_MISMATCH" });
  });
});
