// SPDX-License-Identifier: Apache-2.0

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "node:tls";
import { initAuthority } from "@nsattest/registrar";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { policyDocuments } from "../../test/fakes/verifier-bench.ts";
import { EXIT, runCommandLine } from "./command-line.ts";

let folder: string;
const config = {
  listen: { host: "127.0.0.1", port: 0 },
  database: "verifier.db",
  tls: { ca: "ca/ca.crt", certificate: "ca/verifier.crt", key: "ca/verifier.key" },
  registrar: { url: "https://127.0.0.1:1" },
  policies: "policies",
  intervalSeconds: 10,
  validSeconds: 60,
  pendingSeconds: 60,
};

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "nsattest-verifier-"));
  await initAuthority(join(folder, "ca"), { hosts: ["127.0.0.1"], now: new Date() });
  mkdirSync(join(folder, "policies"));
}, 60_000);
afterAll(() => rmSync(folder, { recursive: true }));
beforeEach(() => {
  for (const [name, text] of policyDocuments()) writeFileSync(join(folder, "policies", name), text);
});

function write(name: string, value: unknown): string {
  const path = join(folder, name);
  writeFileSync(path, typeof value === "string" ? value : JSON.stringify(value));
  return path;
}

interface Ending {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs a command line; `onLine` sees each line as it is written. */
async function run(
  args: readonly string[],
  onLine: (line: Record<string, unknown>, stop: () => void) => void = () => undefined,
): Promise<Ending> {
  const stop = new AbortController();
  let [out, err] = ["", ""];
  const code = await runCommandLine(args, {
    out: (text) => {
      out += text;
      if (text.startsWith("{"))
        onLine(JSON.parse(text) as Record<string, unknown>, () => stop.abort());
    },
    err: (text) => {
      err += text;
    },
    now: () => new Date(),
    signal: stop.signal,
  });
  return { code, out, err };
}

describe("nsattest-verifier", () => {
  it("explains itself", async () => {
    const { code, out } = await run(["--help"]);
    expect(code).toBe(EXIT.ok);
    expect(out).toContain("nsattest-verifier serve --config FILE");
    expect((await run(["serve", "-h"])).code).toBe(EXIT.ok);
  });

  it.each([
    [[]],
    [["verify"]],
    [["serve"]],
    [["serve", "--config"]],
    [["serve", "--port", "1"]],
    [["serve", "--config", "a", "b"]],
  ])("does not know the command %j", async (args) => {
    const { code, out, err } = await run(args);
    expect([code, out]).toEqual([EXIT.usage, ""]);
    expect(err).toContain("Usage:");
  });

  it("serves until it is told to stop, and can be started again", async () => {
    const file = write("verifier.json", config);
    for (let times = 0; times < 2; times++) {
      let refused: unknown;
      const { code, out } = await run(["serve", "--config", file], ({ event, port }, stop) => {
        if (event !== "verifier-started") return;
        // Nobody without a certificate gets in.
        const socket = connect({
          host: "127.0.0.1",
          port: Number(port),
          rejectUnauthorized: false,
        });
        socket.on("error", (error) => {
          refused = error;
          stop();
        });
        socket.resume();
      });
      expect(code).toBe(EXIT.ok);
      expect(refused).toBeInstanceOf(Error);
      expect(
        out
          .trim()
          .split("\n")
          .map((line) => (JSON.parse(line) as { event: string }).event),
      ).toEqual(["verifier-started", "verifier-stopped"]);
    }
  });

  it("says when there is no policy for hosts", async () => {
    rmSync(join(folder, "policies", "node-policy.json"));
    const events: unknown[] = [];
    await run(["serve", "--config", write("verifier.json", config)], ({ event }, stop) => {
      events.push(event);
      if (event === "verifier-started") stop();
    });
    expect(events).toEqual(["no-node-policy", "verifier-started", "verifier-stopped"]);
  });

  it.each([
    ["a configuration that is not there", "CONFIG_INVALID", () => join(folder, "none.json")],
    ["a configuration that is none", "CONFIG_INVALID", () => write("bad.json", "{")],
    [
      "a certificate that is not there",
      "CONFIG_INVALID",
      () => write("bad.json", { ...config, tls: { ...config.tls, ca: "none.crt" } }),
    ],
    [
      "a certificate that is none",
      "CONFIG_INVALID",
      () => {
        write("junk.crt", "junk");
        return write("bad.json", { ...config, tls: { ...config.tls, certificate: "junk.crt" } });
      },
    ],
    [
      "a key of another certificate",
      "CONFIG_INVALID",
      () => write("bad.json", { ...config, tls: { ...config.tls, key: "ca/operator.key" } }),
    ],
    [
      "a policy that is none",
      "POLICY_INVALID",
      () => {
        write("policies/node-policy.json", "{}");
        return write("bad.json", config);
      },
    ],
    [
      "a database that is none",
      "STORE_FAILED",
      () => {
        write("junk.db", "junk, and enough of it to be taken for the header of a database file");
        return write("bad.json", { ...config, database: "junk.db" });
      },
    ],
    [
      "an address it does not have",
      "LISTEN_FAILED",
      () => write("bad.json", { ...config, listen: { host: "192.0.2.1", port: 1 } }),
    ],
  ])("ends with one line about %s", async (_, code, prepare) => {
    const { code: exit, err } = await run(["serve", "--config", prepare()]);
    expect(exit).toBe(EXIT.failed);
    expect(err).toMatch(new RegExp(`^${code}: [^\\n]+\\n$`));
  });

  it("ends when the port is taken", async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
    const { port } = other.address() as { port: number };
    const file = write("taken.json", { ...config, listen: { host: "127.0.0.1", port } });
    const { err } = await run(["serve", "--config", file]);
    expect(err).toMatch(/^LISTEN_FAILED: /);
    other.close();
  });
});
