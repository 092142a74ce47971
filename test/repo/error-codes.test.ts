// SPDX-License-Identifier: Apache-2.0

import { EXIT as REGISTRAR_EXIT } from "@nsattest/registrar";
import { EXIT as VERIFIER_EXIT } from "@nsattest/verifier";
import { describe, expect, it } from "vitest";
import { EXIT as CLI_EXIT } from "../../cli/src/error.ts";
import { RegistrarError, type RegistrarErrorCode } from "../../registrar/src/error.ts";
import { refusalOf as registrarRefusal } from "../../registrar/src/refusal.ts";
import { VerifierError, type VerifierErrorCode } from "../../verifier/src/error.ts";
import { NOT_PROVEN, refusalOf as verifierRefusal } from "../../verifier/src/refusal.ts";
import { FILES, isTest, read } from "./source-tree.ts";

const UNION = /export type (\w*(?:Error|Reason|Limit)Code) =([^;]*);/g;
const SOURCES = FILES.filter(
  (path) => path.includes("/src/") && path.endsWith(".ts") && !isTest(path),
);

interface Union {
  readonly name: string;
  readonly file: string;
  readonly codes: readonly string[];
}

/** A source without its comments. */
function codeIn(path: string): string {
  return read(path).replace(/\/\*.*?\*\/|\/\/[^\n]*/gs, "");
}

/** Every closed set of codes that the sources declare. */
const UNIONS: readonly Union[] = SOURCES.flatMap((file) => {
  return [...codeIn(file).matchAll(UNION)].map(([, name = "", members = ""]) => ({
    name,
    file,
    codes: [...members.matchAll(/"(\w+)"/g)].map(([, code = ""]) => code),
  }));
});

const DOCUMENT = read("docs/errors.md");

/** Cells of the table rows below the heading that begins with `name`. */
function rowsOf(name: string): readonly (readonly string[])[] {
  const heading = DOCUMENT.split("\n").find((line) => /^#+ /.test(line) && line.includes(name));
  if (heading === undefined) return [];
  const [, after = ""] = DOCUMENT.split(`${heading}\n`);
  const [section = ""] = after.split(/^#+ /m);
  return section
    .split("\n")
    .filter((line) => /^\| (?!code |exit |-)/.test(line))
    .map((line) =>
      line
        .split("|")
        .map((cell) => cell.trim())
        .slice(1, -1),
    );
}

const firstCells = (name: string): string[] =>
  rowsOf(name).map(([cell = ""]) => cell.replaceAll("`", ""));

describe("docs/errors.md", () => {
  it("has a section for every set of codes, and for no other", () => {
    const sections = [...DOCUMENT.matchAll(/^## `(\w+)`$/gm)].map(([, name]) => name);
    expect(sections.sort()).toEqual(UNIONS.map(({ name }) => name).sort());
  });

  it.each(UNIONS)("lists the codes of $name, none missing and none invented", ({ name, codes }) => {
    expect(firstCells(`\`${name}\``)).toEqual(codes);
  });

  it("says of every code what it means and what to do", () => {
    const rows = UNIONS.flatMap(({ name }) => rowsOf(`\`${name}\``));
    expect(rows.filter((cells) => cells.length < 3 || cells.includes(""))).toEqual([]);
  });

  it("knows every code that is written out in the sources", () => {
    const written = SOURCES.flatMap((file) =>
      [...read(file).matchAll(/\bcode: (?:[^,"}\n]*\? [^,"}\n]* : )?"([A-Z][A-Z_]+)"/g)].map(
        ([, code = ""]) => code,
      ),
    );
    expect(written).toContain("VERDICT_EXPIRED");
    expect(written.filter((code) => !DOCUMENT.includes(`\`${code}\``))).toEqual([]);
  });
});

it.each(UNIONS)("$name has no code that nothing uses", ({ file, codes }) => {
  const text = SOURCES.map((path) =>
    path === file ? codeIn(path).replace(UNION, "") : codeIn(path),
  );
  expect(codes.filter((code) => !text.join().includes(`"${code}"`))).toEqual([]);
});

describe("the HTTP status of a code", () => {
  const documented = (name: string) =>
    rowsOf(`\`${name}\``).map(
      ([code = "", http = ""]) => [code.replaceAll("`", ""), http] as const,
    );
  /** What is documented of an error that is answered like this: no status for one that becomes `INTERNAL`. */
  const statusIn = (code: string, answer: { readonly status: number; readonly code: string }) =>
    answer.code === code ? String(answer.status) : "–";
  /** As fastify reports a request whose form is wrong. */
  const badRequest = Object.assign(new Error(), { statusCode: 400 });

  it.each(documented("RegistrarErrorCode"))("of the registrar: %s is %s", (code, http) => {
    const error = new RegistrarError(code as RegistrarErrorCode, "");
    const answer = registrarRefusal(code === "REQUEST_INVALID" ? badRequest : error);
    expect(http).toBe(statusIn(code, answer));
  });

  it.each(documented("VerifierErrorCode"))("of the verifier: %s is %s", (code, http) => {
    const error = new VerifierError(code as VerifierErrorCode, "");
    const answer = verifierRefusal(code === "REQUEST_INVALID" ? badRequest : error);
    // A proof that failed is not thrown at the server: it is a reason of the verdict first.
    expect(http === String(NOT_PROVEN) ? "–" : http).toBe(statusIn(code, answer));
  });
});

describe("the exit codes", () => {
  it("of the hook are those of its source", () => {
    const [, names = ""] =
      /enum \{ (DONE = 0[^}]*) \}/.exec(read("hook/native/nsattest-hook.c")) ?? [];
    expect(firstCells("`nsattest-hook`")).toEqual(names.match(/\d+/g));
  });

  it("of the services and the command are those of their sources", () => {
    expect(REGISTRAR_EXIT).toEqual(VERIFIER_EXIT);
    const numbers = (exit: Readonly<Record<string, number>>): string[] =>
      Object.values(exit).map(String);
    expect(firstCells("`nsattest-registrar`")).toEqual(numbers(VERIFIER_EXIT));
    expect(firstCells("### `nsattest`")).toEqual([...numbers(CLI_EXIT), "130"]);
  });

  it("of the node's programs are those of their help", () => {
    for (const program of ["loader/main.ts", "monitor/config.ts", "attester/main.ts"]) {
      const [help = ""] = /Exit code: .*/.exec(read(`agent/src/${program}`)) ?? [];
      expect(firstCells("`nsattest-bpf`"), program).toEqual(help.match(/\b\d\b/g));
    }
  });
});
