// SPDX-License-Identifier: Apache-2.0

import type { ExecEvent } from "@nsattest/ns-ima";
import { beforeEach, expect, it } from "vitest";
import { CodeBook } from "./code-book.ts";

let book: CodeBook;

beforeEach(() => {
  book = new CodeBook();
});

function execution(ns: string, file: number, how: ExecEvent["how"] = "exec"): ExecEvent {
  return { kind: "exec", ns, how, path: "/x", digest: null, fsMagic: 0, file, flags: 0 };
}

const runnersOf = (file: number): string[] => [...book.runnersOf(file)];

it("knows who executed or mapped a file, each once", () => {
  book.learn(execution("a/1", 7));
  book.learn(execution("b/2", 7, "map"));
  book.learn(execution("a/1", 7, "map"));
  book.learn(execution("a/1", 8));
  expect([runnersOf(7), runnersOf(8), runnersOf(9)]).toEqual([["a/1", "b/2"], ["a/1"], []]);
});

it("takes neither a rewrite for an execution nor no number for one", () => {
  book.learn(execution("a/1", 7, "rewrite"));
  book.learn(execution("a/1", 0, "anonymous"));
  expect([runnersOf(7), runnersOf(0)]).toEqual([[], []]);
});

it("forgets who has ended", () => {
  book.learn(execution("a/1", 7));
  book.learn(execution("b/2", 7));
  book.learn({ kind: "ns-close", ns: "a/1", executions: 1, reason: "" });
  book.learn({ kind: "ns-close", ns: "c/3", executions: 0, reason: "" });
  expect(runnersOf(7)).toEqual(["b/2"]);
  book.learn({ kind: "ns-close", ns: "b/2", executions: 1, reason: "" });
  expect(runnersOf(7)).toEqual([]);
});

it("begins anew with other programs, whose numbers mean other files", () => {
  book.learn(execution("a/1", 7));
  book.learn({ kind: "gap", ns: "host", lost: 1, reason: "ring-overflow" });
  expect(runnersOf(7)).toEqual(["a/1"]);
  book.learn({ kind: "gap", ns: "host", lost: 0, reason: "program-changed" });
  expect(runnersOf(7)).toEqual([]);
});
