// SPDX-License-Identifier: Apache-2.0

import { expect, it } from "vitest";
import { parseOptions } from "./options.ts";

it("the usual run is every target for a minute, with a new seed", () => {
  const { seed, ...rest } = parseOptions([]);
  expect(rest).toEqual({ seconds: 60, targets: [], json: false, input: null });
  expect(parseOptions([]).seed).not.toBe(seed);
});

it("takes what the usage names", () => {
  const args = ["--seconds", "5", "--seed", "7", "--target", "a", "--target", "b", "--json"];
  const expected = { seconds: 5, targets: ["a", "b"], seed: 7, json: true, input: null };
  expect(parseOptions(args)).toEqual(expected);
  expect(parseOptions(["--target", "a", "--input", "f"]).input).toBe("f");
});

it.each([
  ["--seconds", "0"],
  ["--seconds", "soon"],
  ["--seed", "-1"],
  ["--seed", "4294967296"],
  ["--input", "f"],
  ["--what"],
])("refuses %s %s", (...args) => {
  expect(() => parseOptions(args)).toThrow();
});
