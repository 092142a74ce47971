// SPDX-License-Identifier: Apache-2.0

import { DEFAULT_LIST_PINS, type ListPins } from "@nsattest/ns-ima";
import { describe, expect, it } from "vitest";
import { JsonSection } from "../strict-json.ts";
import { readMeasurementPins } from "./measurement-pins.ts";

function read(document: object): { pins: ListPins; problems: string[] } {
  const problems: string[] = [];
  const root = JsonSection.parse(JSON.stringify(document), "node-policy.json", problems);
  return { pins: readMeasurementPins(root, problems), problems };
}

describe("readMeasurementPins", () => {
  it("pins what Debian's kernels do where nothing is said", () => {
    expect(read({})).toEqual({ pins: DEFAULT_LIST_PINS, problems: [] });
    expect(read({ measurement: {} }).pins.id).toBe(DEFAULT_LIST_PINS.id);
  });

  it("pins bank, PCRs, templates and form", () => {
    const measurement = {
      bank: "sha384",
      pcrs: [11, 10],
      templates: ["ima-sigv2", "d-ng|n-ng|iuid"],
      paddedSha1: true,
    };
    const { pins, problems } = read({ measurement });
    expect(problems).toEqual([]);
    expect(pins).toMatchObject({ bank: "sha384", pcrs: [10, 11], paddedSha1: true });
    expect(pins.templates.map(({ name }) => name)).toEqual(["d-ng|n-ng|iuid", "ima-sigv2"]);
  });

  it.each<[string, unknown, string]>([
    ["no object", [], "measurement must be an object"],
    ["an unknown field", { pcr: 10 }, "pcr is unknown"],
    ["an unknown bank", { bank: "md5" }, "bank must be one of"],
    ["no PCR", { pcrs: [] }, "pcrs must name one PCR at least"],
    ["a PCR that can be reset", { pcrs: [16] }, "pcrs[0] must be an integer from 0 to 15"],
    ["half a PCR", { pcrs: [10.5] }, "pcrs[0] must be an integer from 0 to 15"],
    ["the PCR of the log", { pcrs: [10, 13] }, "pcrs must not name PCR 13"],
    ["no template", { templates: [] }, "templates must name one at least"],
    ["an unknown template", { templates: ["ima-x"] }, '"ima-x" has not one digest and one path'],
    ["no text", { templates: [7] }, "templates[0] must be the name or the format of a template"],
    ["a word for yes", { paddedSha1: "yes" }, "paddedSha1 must be true or false"],
  ])("refuses %s", (_, measurement, problem) => {
    const { problems } = read({ measurement });
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(`node-policy.json.measurement`);
    expect(problems[0]).toContain(problem);
  });
});
