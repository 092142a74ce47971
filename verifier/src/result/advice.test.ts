// SPDX-License-Identifier: Apache-2.0

import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { adviceOf } from "./advice.ts";

const SOURCE = readFileSync(new URL("../verdict/reason.ts", import.meta.url), "utf8");
const CODES = [...SOURCE.matchAll(/\| "([A-Z][A-Z0-9_]+)"/g)].map(([, code = ""]) => code);

it.each(CODES)("%s has advice of its own: one or two sentences, and what to do", (code) => {
  const { meaning, next } = adviceOf(code);
  expect(meaning).toMatch(/^[A-Z][ -~]+\.$/);
  expect(next).toMatch(/^[A-Z][ -~]+\.$/);
  expect(adviceOf("LOG_BOOT").meaning).not.toBe(meaning);
});

it("is one of a failed proof for every other code", () => {
  expect(CODES).toContain("NOT_IN_ALLOWLIST");
  expect(CODES).toContain("BOOT_UNVERIFIED");
  expect(adviceOf("QUOTE_SIGNATURE").next).toContain("docs/errors.md");
});
