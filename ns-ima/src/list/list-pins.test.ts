// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from "vitest";
import { DEFAULT_LIST_PINS, isListTemplate, type ListPinsInput, listPins } from "./list-pins.ts";
import { isSha1Only, listStart } from "./list-position.ts";

const INPUT: ListPinsInput = {
  bank: "sha384",
  pcrs: [11, 10],
  templates: ["ima-sig", "ima-ng"],
  paddedSha1: false,
};

describe("listPins", () => {
  it("are the same whatever the order", () => {
    const other = { ...INPUT, pcrs: [10, 11, 10], templates: ["ima-ng", "ima-sig", "ima-ng"] };
    expect(listPins(other)).toEqual(listPins(INPUT));
    expect(listPins(INPUT).pcrs).toEqual([10, 11]);
  });

  it.each<[string, Partial<ListPinsInput>]>([
    ["bank", { bank: "sha256" }],
    ["PCRs", { pcrs: [10] }],
    ["templates", { templates: ["ima-ng"] }],
    ["form", { paddedSha1: true }],
  ])("of another %s are others", (_, change) => {
    expect(listPins({ ...INPUT, ...change }).id).not.toBe(listPins(INPUT).id);
  });

  it.each<[string, Partial<ListPinsInput>, string]>([
    ["no PCR", { pcrs: [] }, "LIST_PCR_UNSUPPORTED"],
    ["no template", { templates: [] }, "LIST_TEMPLATE_UNSUPPORTED"],
    ["what is no template", { templates: ["ima-x"] }, "LIST_TEMPLATE_UNSUPPORTED"],
  ])("refuse %s", (_, change, code) => {
    expect(() => listPins({ ...INPUT, ...change })).toThrow(expect.objectContaining({ code }));
  });

  it("are what Debian's kernels do unless something else is said", () => {
    expect(DEFAULT_LIST_PINS).toMatchObject({ bank: "sha256", pcrs: [10], paddedSha1: false });
    expect(isListTemplate("ima-sig")).toBe(true);
    expect(isListTemplate("ima-x")).toBe(false);
  });
});

it("knows when nothing better than SHA-1 vouches for a list", () => {
  expect(isSha1Only(listStart("sha1", [10]))).toBe(true);
  expect(isSha1Only(listStart("sha384", [10]))).toBe(false);
  expect(isSha1Only({ ...listStart("sha384", [10]), form: "padded-sha1" })).toBe(true);
});
