// SPDX-License-Identifier: Apache-2.0

import { basename } from "node:path";
import { describe, expect, it } from "vitest";
import { FILES, importsOf, isTest, read, WORKSPACES } from "./source-tree.ts";

/** Which packages a package may import. Arrows point one way: libraries know no service, services not each other. */
const LAYERS: Readonly<Record<string, readonly string[]>> = {
  tpm: [],
  "ns-ima": ["tpm"],
  protocol: ["tpm", "ns-ima"],
  agent: ["tpm", "ns-ima", "protocol"],
  registrar: ["tpm", "ns-ima", "protocol"],
  verifier: ["tpm", "ns-ima", "protocol"],
  "test/lab": ["tpm", "ns-ima", "protocol"],
  cli: ["tpm", "protocol", "agent", "verifier", "lab"],
};

/**
 * What is in a folder, in the order in which data flows. A row imports from rows above it, never from its own row or
 * one below: what a later stage knows cannot change what an earlier one proves.
 */
const ROWS: Readonly<Record<string, readonly (readonly string[])[]>> = {
  "ns-ima/src": [
    ["error.ts", "limits.ts"],
    ["log"],
    ["list"],
    ["signature"],
    ["join", "policy"],
    ["index.ts"],
  ],
  "agent/src": [
    ["error.ts", "log.ts", "version.ts"],
    ["sys"],
    ["tpm-device"],
    ["loader", "preflight"],
    ["monitor", "attester"],
    ["index.ts"],
  ],
  "agent/src/preflight": [
    ["finding.ts", "host.ts"],
    ["kernel-checks.ts", "tpm-checks.ts", "runtime-checks.ts"],
    ["preflight.ts"],
    ["command.ts"],
    ["main.ts"],
  ],
  "agent/src/loader": [["pins.ts"], ["load.ts"], ["main.ts"]],
  "agent/src/monitor": [
    ["source"],
    ["registry"],
    ["log"],
    ["anchor"],
    ["monitor.ts"],
    ["serve"],
    ["config.ts"],
    ["run.ts"],
    ["main.ts"],
  ],
  "agent/src/attester": [
    ["error.ts"],
    ["config.ts", "https-client.ts", "monitor-client.ts"],
    ["enrol", "push"],
    ["node-id.ts"],
    ["run.ts"],
    ["main.ts"],
  ],
  "registrar/src": [
    ["error.ts", "log.ts"],
    ["config.ts", "peer.ts", "refusal.ts", "store"],
    ["ca"],
    ["enrol"],
    ["administration.ts", "server.ts"],
    ["run.ts"],
    ["command-line.ts"],
    ["index.ts", "main.ts"],
  ],
  "verifier/src": [
    ["error.ts", "log.ts", "strict-json.ts"],
    ["config.ts", "peer.ts", "refusal.ts", "registrar-client.ts", "store"],
    ["challenge"],
    ["quote", "boot"],
    ["replay"],
    ["policy"],
    ["verdict"],
    ["pipeline.ts"],
    ["history.ts"],
    ["result", "offline", "audit.ts", "node-states.ts"],
    ["verifier.ts"],
    ["server.ts"],
    ["run.ts"],
    ["command-line.ts"],
    ["index.ts", "main.ts"],
  ],
  "cli/src": [
    ["error.ts", "surroundings.ts"],
    ["access.ts", "ak-pin.ts", "arguments.ts", "namespace-choice.ts"],
    ["verifier-client.ts"],
    ["report"],
    ["boot.ts", "demo", "evidence.ts", "status.ts", "verify.ts", "why.ts"],
    ["main.ts"],
  ],
};

/** Everything from outside that is imported at run time, and who alone may: so that each can be replaced in one place. */
const SOLE_IMPORTERS: Readonly<Record<string, readonly string[]>> = {
  "@noble/curves/nist.js": ["verifier/src/policy/ecdsa.ts"],
  "better-sqlite3": ["registrar/src/store/store.ts", "verifier/src/store/store.ts"],
  "cbor-x": ["protocol/src/cbor.ts"],
  fastify: ["registrar/src/server.ts", "verifier/src/server.ts"],
  koffi: ["agent/src/sys/ffi.ts"],
  "node-forge": ["registrar/src/ca/certificate.ts"],
  re2js: ["verifier/src/policy/linear-pattern.ts"],
};

const OWN = "@nsattest/";
const SOURCES = FILES.filter(
  (path) => /^(?:test\/)?[a-z-]+\/src\/.*\.ts$/.test(path) && !isTest(path),
);
const ARROWS = SOURCES.flatMap((from) => importsOf(from).map((to) => ({ from, to })));

/** The part of `folder` that `path` belongs to: a file in it, or a folder. Null outside. */
function unitIn(folder: string, path: string): string | null {
  return path.startsWith(`${folder}/`)
    ? (path.slice(folder.length + 1).split("/")[0] ?? null)
    : null;
}

describe("packages", () => {
  it("have a layer each", () => {
    expect(WORKSPACES.map(({ folder }) => folder).sort()).toEqual(Object.keys(LAYERS).sort());
  });

  it.each(WORKSPACES)(
    "$folder imports and names only packages below it",
    ({ folder, dependencies }) => {
      const imported = ARROWS.filter(({ from }) => from.startsWith(`${folder}/`)).map(
        ({ to }) => to,
      );
      const found = [...imported, ...Object.keys(dependencies)].filter((to) => to.startsWith(OWN));
      const allowed = (LAYERS[folder] ?? []).map((name) => `${OWN}${name}`);
      expect(found.filter((to) => !allowed.includes(to))).toEqual([]);
    },
  );

  it("are entered by their index only", () => {
    const across = ARROWS.filter(({ from, to }) => {
      const inner = /^(?:test\/)?[a-z-]+\/src\//.exec(from)?.[0] ?? "";
      const isRelative = to.endsWith(".ts");
      return isRelative ? !to.startsWith(inner) : to.startsWith(OWN) && to.split("/").length > 2;
    });
    expect(across).toEqual([]);
  });
});

describe.each(Object.entries(ROWS))("%s", (folder, rows) => {
  const rowOf = (unit: string): number => rows.findIndex((row) => row.includes(unit));

  it("has a row for everything in it", () => {
    const units = SOURCES.flatMap((path) => unitIn(folder, path) ?? []);
    expect([...new Set(units)].sort()).toEqual(rows.flat().sort());
  });

  it("imports upwards only", () => {
    const back = ARROWS.filter(({ from, to }) => {
      const [user, used] = [unitIn(folder, from), unitIn(folder, to)];
      return user !== null && used !== null && user !== used && rowOf(used) >= rowOf(user);
    });
    expect(back).toEqual([]);
  });
});

it("the agent's process reaches neither the kernel's interfaces nor the TPM", () => {
  const forbidden = /^agent\/src\/(?:sys|tpm-device|loader|monitor)\//;
  const attester = ARROWS.filter(({ from }) => from.startsWith("agent/src/attester/"));
  expect(attester.filter(({ to }) => forbidden.test(to))).toEqual([]);
  expect(attester.length).toBeGreaterThan(0);
});

it("third-party packages have one importer per service", () => {
  const outside = ARROWS.filter(({ to }) => !/^node:|^@nsattest\/|\.ts$/.test(to));
  const importers = (name: string): string[] =>
    outside.filter(({ to }) => to === name).map(({ from }) => from);
  const found = Object.fromEntries(outside.map(({ to }) => [to, importers(to)]));
  expect(found).toEqual(SOLE_IMPORTERS);
});

it("an index re-exports by name and does nothing else", () => {
  const indices = SOURCES.filter((path) => basename(path) === "index.ts");
  const statement = /export (?:type )?\{[^}*]*\} from "\.\/[^"]+";\s*/g;
  const rest = (path: string): string =>
    read(path)
      .replace(/^\/\/.*$/gm, "")
      .replace(statement, "");
  expect(indices.filter((path) => rest(path).trim() !== "")).toEqual([]);
});
