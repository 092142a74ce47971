// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from "vitest";
import { LIST_FIELDS_MAX, LIST_NAME_MAX } from "../limits.ts";
import { compileTemplate } from "./template.ts";

function fieldsOf(name: string): readonly string[] | undefined {
  return compileTemplate(name)?.fields.map(({ id }) => id);
}

describe("compileTemplate", () => {
  it("knows the kernel's templates", () => {
    expect(fieldsOf("ima-modsig")).toEqual(["d-ng", "n-ng", "sig", "d-modsig", "modsig"]);
    expect(compileTemplate("ima")?.legacy).toBe(true);
    expect(compileTemplate("ima-ng")?.legacy).toBe(false);
  });

  it("takes a format for what it says, with fields that are not known", () => {
    expect(fieldsOf("d-ng|n-ng|iuid|newer")).toEqual(["d-ng", "n-ng", "iuid", "newer"]);
    expect(compileTemplate("d|n")?.legacy).toBe(false);
  });

  it.each([
    ["", "nothing"],
    ["ima-unknown", "no format"],
    ["d-ng", "no path"],
    ["n-ng|sig", "no digest"],
    ["d-ng|d-ngv2|n-ng", "two digests"],
    ["d-ng|n-ng|n", "two paths"],
    ["d-ng|n-ng|sig|sig", "two signatures"],
    ["d-ng|n-ng|buf|buf", "two buffers"],
    ["d-ng|n-ng|", "a field without a name"],
  ])("refuses %j: %s", (name) => {
    expect(compileTemplate(name)).toBeNull();
  });

  it("has as many fields and as long a name as the kernel allows", () => {
    const more = (count: number): string => `d-ng|n-ng${"|iuid".repeat(count)}`;
    expect(fieldsOf(more(LIST_FIELDS_MAX - 2))).toHaveLength(LIST_FIELDS_MAX);
    expect(compileTemplate(more(LIST_FIELDS_MAX - 1))).toBeNull();
    const long = (length: number): string => `d-ng|n-ng|${"x".repeat(length - 10)}`;
    expect(compileTemplate(long(LIST_NAME_MAX))).not.toBeNull();
    expect(compileTemplate(long(LIST_NAME_MAX + 1))).toBeNull();
  });
});
