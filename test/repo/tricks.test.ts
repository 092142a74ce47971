// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { TRICKS } from "../hostile/tricks.ts";
import { withTricks } from "../hostile/tricks-document.ts";

const DOCUMENT = join(import.meta.dirname, "../hostile/README.md");

it("the document has every trick that is played, and what should come of it", async () => {
  await expect(withTricks(readFileSync(DOCUMENT, "utf8"))).toMatchFileSnapshot(DOCUMENT);
});

it("tricks have names that tell them apart, and an idea in one line", () => {
  const ids = TRICKS.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  expect(TRICKS.filter(({ idea }) => idea.includes("\n") || idea.endsWith("."))).toEqual([]);
});
