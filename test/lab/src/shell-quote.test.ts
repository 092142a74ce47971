// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { shellQuote } from "./shell-quote.ts";

test("a shell gets each word back as it was", () => {
  const words = ["", "it's", "'", "a b", "$(id)", '"`\\', "-n", "two\nlines"];
  const script = `printf '%s\\0' ${words.map(shellQuote).join(" ")}`;
  expect(execFileSync("sh", ["-c", script]).toString().split("\0")).toEqual([...words, ""]);
});
