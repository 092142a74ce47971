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

  it("serves until it is told to stop, and writes JSON lines", async () => {
    expect(await run("init", "--dir", join(folder, "ca"))).toBe(EXIT.ok);
    mkdirSync(join(folder, "roots"));
    const file = join(folder, "registrar.json");
    const listen = { host: "127.0.0.1", port: 0 };
    const paths = { database: "registrar.db", caDir: "ca", ekRoots: "roots" };
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
