// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from "vitest";
import {
  claim,
  digest,
  exec,
  join,
  mark,
  noRuntime,
  owners,
  tool,
} from "../../test/join-history.ts";
import type { FileDigest } from "../log/event.ts";
import { sameBytes } from "./content.ts";
import { joinEvidence } from "./join.ts";
import type { Execution } from "./namespace-facts.ts";
import { RunBook } from "./run-book.ts";

const executionOf = (found: FileDigest | null, change: Partial<Execution> = {}): Execution => ({
  how: "exec",
  path: "/bin/tool",
  digest: found,
  fsMagic: 0,
  flags: 0,
  ...change,
});
const added = (...executions: readonly Execution[]) => {
  const book = new RunBook();
  let last = 0;
  for (const execution of executions) last = book.add(1, execution, last);
  return book.executions(last).length;
};

describe("executions that are not one object", () => {
  // Without it what was forgotten by the recollection would be there again, as often as it was.
  it("are the same when they say the same", () => {
    expect(added(executionOf(digest("tool")), executionOf(digest("tool")))).toBe(1);
    expect(added(executionOf(null), executionOf(digest("")), executionOf(null))).toBe(1);
  });

  it.each<[string, Execution]>([
    ["way", executionOf(digest("tool"), { how: "map" })],
    ["path", executionOf(digest("tool"), { path: "/bin/other" })],
    ["flags", executionOf(digest("tool"), { flags: 4 })],
    ["content", executionOf(digest("other"))],
    ["algorithm", executionOf({ ...digest("tool"), algorithm: "sha3-256" })],
    ["digest, which it has not", executionOf(null)],
  ])("differ by their %s", (_, other) => {
    expect(added(executionOf(digest("tool")), other)).toBe(2);
    expect(added(other, executionOf(digest("tool")))).toBe(2);
  });

  it("are looked up by their content", () => {
    const book = new RunBook();
    book.add(1, executionOf(digest("tool")), 0);
    expect([book.hasRun(1, digest("tool")), book.hasRun(2, digest("tool"))]).toEqual([true, false]);
    expect([book.firstRunner(digest("tool")), book.firstRunner(digest("x"))]).toEqual([
      1,
      undefined,
    ]);
  });
});

it("takes other bytes and bytes of other lengths for others", () => {
  expect(sameBytes(new Uint8Array([1, 2]), new Uint8Array([1, 3]))).toBe(false);
  expect(sameBytes(new Uint8Array([1, 2]), new Uint8Array([1, 2]))).toBe(true);
  expect(sameBytes(new Uint8Array(2), new Uint8Array(3))).toBe(false);
});

// Without it whoever goes on from an older state loses, or gains, what the host took over.
it("goes on from an older state with what the host had taken over by then", () => {
  const other = { ...tool, templateDigest: digest("other template").value };
  const claims = [exec("a/0", "tool"), claim("a/0", tool), claim("a/0", other), mark(2)];
  const first = joinEvidence(join([tool, other], claims), [], [claim("host", tool)], noRuntime);
  const second = joinEvidence(first.state, [], [claim("host", other)], noRuntime);
  const again = joinEvidence(first.state, [], [mark(2)], noRuntime);
  expect(owners(second.state)).toEqual(["host", "host"]);
  expect(owners(again.state)).toEqual(["host", { ns: "a/0" }]);
  expect(owners(first.state)).toEqual(["host", { ns: "a/0" }]);
});
