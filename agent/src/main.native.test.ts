// SPDX-License-Identifier: Apache-2.0

import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { LogFile } from "./monitor/log/log-file.ts";
import { encodeFrame } from "./monitor/log/log-frame.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const MODULES = fileURLToPath(new URL("../../node_modules", import.meta.url));

let bundles: string;
let folder: string;

beforeAll(async () => {
  bundles = mkdtempSync(join(tmpdir(), "nsattest-bundles-"));
  for (const program of ["loader", "monitor", "attester"]) {
    await build({
      entryPoints: [fileURLToPath(new URL(`${program}/main.ts`, import.meta.url))],
      outfile: join(bundles, `${program}.cjs`),
      bundle: true,
      platform: "node",
      conditions: ["@nsattest/source"],
      external: ["koffi"],
      logLevel: "error",
    });
  }
});

afterAll(() => rmSync(bundles, { recursive: true }));

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "nsattest-main-"));
});

afterEach(() => rmSync(folder, { recursive: true }));

interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end, as a service manager would. */
function run(program: string, args: readonly string[] = [], input = ""): Outcome {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [join(bundles, `${program}.cjs`), ...args],
    { encoding: "utf8", input, env: { NODE_PATH: MODULES } },
  );
  return { code: status, stdout, stderr };
}

describe.each(["loader", "monitor", "attester"])("%s", (program) => {
  it("explains itself", () => {
    const { code, stdout, stderr } = run(program, ["--help"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(/^nsattest-\w+: [^\n]+\n\nUsage: /);
    expect(stdout).toContain("Exit code: ");
  });

  it("says what is wrong with its arguments, in one line", () => {
    const { code, stdout, stderr } = run(program, ["--nonsense"]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatch(/^nsattest-\w+: [^\n]*--nonsense[^\n]*see --help\n$/);
  });
});

describe("loader", () => {
  it("says when it cannot load", () => {
    const pins = join(folder, "pins");
    mkdirSync(pins);
    const { code, stdout, stderr } = run("loader", ["--object", "/nowhere", "--pins", pins]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toContain("nsattest-bpf: opening /nowhere failed");
  });

  it("says when there is no folder for its pins", () => {
    const { code, stderr } = run("loader", ["--pins", join(folder, "no")]);
    expect(code).toBe(1);
    expect(stderr).toContain("ENOENT");
  });
});

describe("monitor", () => {
  /** The code of the one line with which a monitor ends that cannot start. */
  function codeOf(): string {
    const nowhere = join(folder, "no");
    const args = ["--run", folder, "--state", folder, "--pins", nowhere, "--tpm", nowhere];
    const { code, stdout, stderr } = run("monitor", [...args, "--list", nowhere]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    const line = JSON.parse(stderr);
    expect(line).toMatchObject({ level: "error", message: "monitor ends" });
    return line.code;
  }

  it("does not start before the programs", () => {
    expect(codeOf()).toBe("BPF_PINS");
  });

  it("does not start while another one runs, and touches nothing", () => {
    const log = new LogFile(join(folder, "namespace.log"));
    expect(codeOf()).toBe("LOG_HELD");
    log.close();
  });

  it("does not start over a log that contradicts itself", () => {
    writeFileSync(join(folder, "namespace.log"), encodeFrame({ kind: "seal", count: 1 }));
    expect(codeOf()).toBe("LOG_CORRUPT");
  });

  it("does not start over a log with an event that nobody can read", () => {
    const [tag, salt] = [new Uint8Array(32), new Uint8Array(32)];
    const record = { tag, salt, event: Uint8Array.of(0xff) };
    const frame = encodeFrame({ kind: "record", ringPosition: 0, more: false, record });
    writeFileSync(join(folder, "namespace.log"), frame);
    expect(codeOf()).toMatch(/^CBOR_/);
  });
});

describe("attester", () => {
  const config = {
    registrar: "https://127.0.0.1:1",
    verifier: "https://127.0.0.1:1",
    caFile: "/nowhere/ca.crt",
    monitorSocket: "/nowhere/monitor.sock",
  };

  function withConfig(document: unknown): Outcome {
    const file = join(folder, "agent.json");
    writeFileSync(file, JSON.stringify(document));
    return run("attester", ["--config", file]);
  }

  it.each([
    ["is not there", ["--config", "/nowhere/agent.json"], "ENOENT"],
    ["is a folder", ["--config", "/"], "EISDIR"],
  ])("does not start when its configuration %s", (_, args, reason) => {
    const { code, stderr } = run("attester", args);
    expect(code).toBe(2);
    expect(stderr).toContain(reason);
  });

  it("does not start with a configuration that cannot be used", () => {
    const { code, stderr } = withConfig({ ...config, verifier: "http://x" });
    expect(code).toBe(2);
    expect(stderr).toContain("verifier must be an https URL; stateFolder must be a text");
  });

  it("ends when its folder cannot be used", () => {
    const { code, stderr } = withConfig({ ...config, stateFolder: join(folder, "no") });
    expect(code).toBe(1);
    expect(JSON.parse(stderr)).toMatchObject({ level: "error", message: "agent ends" });
  });
});
