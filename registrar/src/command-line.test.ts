// SPDX-License-Identifier: Apache-2.0

import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { EXIT, runCommandLine } from "./command-line.ts";

// RSA keys take seconds to make on a busy machine.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

let folder = "";
let out = "";
let err = "";
let onOut: () => void = () => undefined;
let stop = new AbortController();

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "nsattest-command-"));
  out = "";
  err = "";
  onOut = () => undefined;
  stop = new AbortController();
});
afterEach(() => rmSync(folder, { recursive: true }));

function run(...args: string[]): Promise<number> {
  return runCommandLine(args, {
    out: (text) => {
      out += text;
      onOut();
    },
    err: (text) => {
      err += text;
    },
    now: () => new Date(),
    actor: "operator",
    signal: stop.signal,
  });
}

describe("nsattest-registrar", () => {
  it.each([["--help"], ["-h"], ["serve", "--help"], ["init", "--help"]])(
    "helps with %s %s",
    async (...args) => {
      expect(await run(...args.filter(Boolean))).toBe(EXIT.ok);
      expect(out).toContain("nsattest-registrar serve --config FILE");
    },
  );

  it.each([
    [[]],
    [["start"]],
    [["serve"]],
    [["serve", "--config"]],
    [["serve", "--config", "a", "b"]],
    [["init"]],
    [["init", "--dir", ""]],
    [["init", "--dir", "x", "--force"]],
  ])("does not know %j", async (args) => {
    expect(await run(...args)).toBe(EXIT.usage);
    expect(err).toContain("Usage:");
    expect(out).toBe("");
  });

  it("makes an authority, once", async () => {
    const dir = join(folder, "ca");
    expect(await run("init", "--dir", dir, "--host", "10.0.2.2", "--host", "lab")).toBe(EXIT.ok);
    expect(out).toBe(`${dir}\n`);
    expect(readdirSync(dir)).toHaveLength(8);
    expect(await run("init", "--dir", dir)).toBe(EXIT.failed);
    expect(err).toMatch(/^CA_EXISTS: /);
  });

  describe("as an operator's tool", () => {
    const EK = "aa".repeat(32);
    const NODE = "0d8c6f5e-6d3a-4c89-9f43-0a7d3c1a2b4e";
    let config = "";
    beforeEach(() => {
      config = join(folder, "registrar.json");
      const listen = { host: "127.0.0.1", port: 0 };
      const paths = { database: "registrar.db", caDir: "ca" };
      writeFileSync(config, JSON.stringify({ listen, ...paths, enrolment: { ekHash: true } }));
    });

    it("lets in, takes back, gives out tokens, and keeps account of it", async () => {
      const on = ["--config", config];
      expect(await run("ek-add", ...on, "--ek-hash", EK, "--node", NODE)).toBe(EXIT.ok);
      expect(await run("ek-remove", ...on, "--ek-hash", EK)).toBe(EXIT.ok);
      expect(out).toBe("");
      expect(await run("token-create", ...on, "--hours", "1")).toBe(EXIT.ok);
      expect(out).toMatch(/^[A-Za-z0-9_-]{43}\n$/);
      out = "";
      expect(await run("waiting", ...on)).toBe(EXIT.ok);
      expect(out).toBe("");
      expect(await run("audit", ...on)).toBe(EXIT.ok);
      const entries = out
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line));
      expect(entries).toMatchObject([
        { actor: "operator", action: "ek-add", detail: { ekHash: EK, node: NODE } },
        { actor: "operator", action: "ek-remove", detail: { ekHash: EK } },
        { actor: "operator", action: "token-create", detail: { hours: 1 } },
      ]);
    });

    it("approves and replaces only whom it knows", async () => {
      for (const verb of ["node-approve", "node-replace"]) {
        err = "";
        const args = ["--config", config, "--ek-hash", EK, "--node", NODE];
        expect(await run(verb, ...args)).toBe(EXIT.failed);
        expect(err).toMatch(/^SUBJECT_UNKNOWN: /);
      }
    });

    it.each([
      [["ek-add", "--ek-hash", EK]],
      [["ek-add", "--config", "c"]],
      [["ek-add", "--config", "c", "--ek-hash", EK, "--hours", "1"]],
      [["ek-remove", "--config", "c", "--ek-hash", EK, "--node", NODE]],
      [["node-approve", "--config", "c", "--ek-hash", EK]],
      [["node-replace", "--config", "c", "--node", NODE]],
      [["token-create", "--config", "c", "--node", NODE]],
      [["token-create", "--config", "c", "--hours", "0"]],
      [["token-create", "--config", "c", "--hours", "721"]],
      [["token-create", "--config", "c", "--hours", "soon"]],
      [["waiting"]],
      [["audit", "--config", "c", "--node", NODE]],
      [["forget", "--config", "c", "--ek-hash", EK]],
    ])("does not know %j", async (args) => {
      expect(await run(...args)).toBe(EXIT.usage);
      expect(err).toContain("Usage:");
    });
  });

  it("serves until it is told to stop, and writes JSON lines", async () => {
    expect(await run("init", "--dir", join(folder, "ca"))).toBe(EXIT.ok);
    mkdirSync(join(folder, "roots"));
    const file = join(folder, "registrar.json");
    const listen = { host: "127.0.0.1", port: 0 };
    const enrolment = { ekCertificate: { roots: "roots" } };
    const paths = { database: "registrar.db", caDir: "ca", enrolment };
    writeFileSync(file, JSON.stringify({ listen, ...paths }));
    out = "";
    onOut = () => {
      if (out.includes("registrar-started")) stop.abort();
    };
    expect(await run("serve", "--config", file)).toBe(EXIT.ok);
    const events = out
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line).event);
    expect(events).toEqual(["no-ek-roots", "registrar-started", "registrar-stopped"]);
    expect(readdirSync(folder)).toContain("registrar.db");
  });

  it.each([
    ["that is not there", null],
    ["that is not JSON", "{"],
    ["with the wrong settings", "{}"],
  ])("does not serve with a file %s", async (_, text) => {
    const file = join(folder, "registrar.json");
    if (text !== null) writeFileSync(file, text);
    expect(await run("serve", "--config", file)).toBe(EXIT.failed);
    expect(err).toMatch(/^CONFIG_INVALID: [^\n]+\n$/);
  });
});
