// SPDX-License-Identifier: Apache-2.0

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { testsOf, writtenAttacks } from "../mutants/named-tests.ts";
import { SHORT } from "../mutants/short.ts";
import { occurrences } from "../mutants/without-check.ts";
import { EXEMPTIONS } from "./checks/exemptions.ts";
import { CHECKS, type CheckId } from "./checks.ts";
import { checksDocument } from "./checks-document.ts";

const ROOT = join(import.meta.dirname, "../..");

/** The path from a request to a verdict: files, and folders with all that is in them. */
const PATH = [
  ...["quote", "attest", "signature", "public-area", "attestation-key", "pcr", "bytes"].map(
    (name) => `tpm/src/${name}.ts`,
  ),
  "tpm/src/event-log",
  ...["list", "log", "join", "policy", "signature"].map((name) => `ns-ima/src/${name}`),
  ...["cbor", "codec", "scalar-codec", "ima-codec", "event-codec", "evidence", "json"].map(
    (name) => `protocol/src/${name}.ts`,
  ),
  ...["challenge", "quote", "boot", "replay", "policy", "verdict"].map(
    (name) => `verifier/src/${name}`,
  ),
  ...["server", "pipeline", "verifier"].map((name) => `verifier/src/${name}.ts`),
  "verifier/src/offline",
  "registrar/src/enrol",
];

const ENTRIES = Object.entries(CHECKS);
const IDS = Object.keys(CHECKS) as CheckId[];
const ATTACKS = writtenAttacks(ROOT);

function read(file: string): string {
  return readFileSync(join(ROOT, file), "utf8");
}

function sourcesOf(path: string): readonly string[] {
  if (path.endsWith(".ts")) return [path];
  return readdirSync(join(ROOT, path), { recursive: true, encoding: "utf8" })
    .filter((name) => /(?<!\.test)\.ts$/.test(name))
    .map((name) => `${path}/${name}`);
}

/** Texts of `file` that checks and exemptions speak of. */
function excerptsOf(file: string): readonly string[] {
  const checks = ENTRIES.map(([, check]) => check);
  return [...checks, ...EXEMPTIONS]
    .filter((item) => item.file === file)
    .map(({ excerpt }) => excerpt ?? read(file));
}

/** Where in `source` an excerpt speaks of. One that ends with `if (...) {` speaks of what is thrown in that block too. */
function spanOf(source: string, excerpt: string): readonly [start: number, end: number] {
  const start = source.indexOf(excerpt);
  const end = start + excerpt.length;
  const block = /^[^}]*?\bthrow /.exec(source.substring(end));
  return [start, excerpt.endsWith("{") && block ? end + block[0].length : end];
}

/** Places of `file` that throw and that no excerpt speaks of. What is only thrown again does not count. */
function unaccounted(file: string): readonly string[] {
  const source = read(file);
  const spans = excerptsOf(file).map((excerpt) => spanOf(source, excerpt));
  return Array.from(source.matchAll(/\bthrow (?!cause\b|error\b|found\b)[^\n]*/g))
    .filter(({ index }) => !spans.some(([start, end]) => start <= index && index <= end))
    .map(([line]) => `${file}: ${line}`);
}

describe("the registry of checks", () => {
  it("quotes its files as they are", () => {
    const stale = [...ENTRIES, ...EXEMPTIONS.map((item) => ["exempt", item] as const)]
      .filter(([, { file, excerpt }]) => excerpt !== null && occurrences(read(file), excerpt) !== 1)
      .map(([id, { file, excerpt }]) => `${id}: ${file}: ${excerpt}`);
    expect(stale).toEqual([]);
  });

  it("has something to take away from each", () => {
    expect(ENTRIES.filter(([, { excerpt, without }]) => excerpt === without)).toEqual([]);
  });

  it("has a forgery or a test for each", () => {
    expect(IDS.filter((id) => testsOf(id, ATTACKS).length === 0)).toEqual([]);
  });

  it("names tests that there are", () => {
    const named = ENTRIES.flatMap(([, { tests = [] }]) => tests);
    expect(named.filter(({ file, title }) => !read(file).includes(title))).toEqual([]);
  });

  it("knows every place in the path that refuses something", () => {
    expect(PATH.flatMap(sourcesOf).flatMap(unaccounted)).toEqual([]);
  });
});

describe("the forgeries", () => {
  it("are at least a hundred, each about a check and with a gain in one line", () => {
    expect(ATTACKS.length).toBeGreaterThanOrEqual(100);
    const known: readonly string[] = IDS;
    expect(ATTACKS.filter(({ check }) => !known.includes(check))).toEqual([]);
    expect(ATTACKS.filter(({ gain }) => gain.length < 20 || gain.includes("\n"))).toEqual([]);
  });

  it("have names that tell them apart", () => {
    const names = ATTACKS.map(({ file, title }) => `${file} ${title}`);
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
  });
});

it("the document of checks and forgeries is what they are", async () => {
  await expect(checksDocument(ATTACKS)).toMatchFileSnapshot(join(ROOT, "docs/checks.md"));
});

it("the short list of mutants has a dozen", () => {
  expect(new Set(SHORT).size).toBe(12);
});
