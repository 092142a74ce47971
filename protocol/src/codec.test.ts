// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from "vitest";
import { listOf, mapOf, nullable, objectOf, optional, rowOf } from "./codec.ts";
import { flag, integer, text } from "./scalar-codec.ts";

const coded = (code: string, message: string) =>
  expect.objectContaining({
    name: "ProtocolError",
    code,
    message: expect.stringContaining(message),
  });

describe("listOf", () => {
  const list = listOf(integer(9), 2);

  it("reads up to its limit", () => {
    expect(list.decode([1, 2], "l")).toEqual([1, 2]);
    expect(list.encode([1, 2])).toEqual([1, 2]);
    expect(() => list.decode([1, 2, 3], "l")).toThrow(coded("FIELD_INVALID", "l has more than 2"));
  });

  it("names the item that it refuses", () => {
    expect(() => list.decode([1, 10], "l")).toThrow(coded("FIELD_INVALID", "l[1] "));
    expect(() => list.decode({ length: 1 }, "l")).toThrow(
      coded("FIELD_INVALID", "l is not a list"),
    );
  });
});

describe("nullable", () => {
  it("reads null, and nothing else that is not there", () => {
    const maybe = nullable(flag);
    expect([maybe.decode(null, "f"), maybe.encode(null)]).toEqual([null, null]);
    expect([maybe.decode(true, "f"), maybe.encode(true)]).toEqual([true, true]);
    expect(() => maybe.decode(undefined, "f")).toThrow(coded("FIELD_INVALID", "f "));
  });
});

describe("rowOf", () => {
  const row = rowOf({ n: integer(), t: text() });

  it("reads fields by their place", () => {
    expect(row.decode([1, "a"], "r")).toEqual({ n: 1, t: "a" });
    expect(row.encode({ t: "a", n: 1 })).toEqual([1, "a"]);
  });

  it.each([[[1]], [[1, "a", 2]], [[]], [{}], [null]])("refuses %j", (wire) => {
    expect(() => row.decode(wire, "r")).toThrow(coded("FIELD_INVALID", "r "));
  });

  it("names the field that it refuses", () => {
    expect(() => row.decode(["a", 1], "r")).toThrow(coded("FIELD_INVALID", "r.n "));
  });
});

describe("mapOf", () => {
  const map = mapOf({ n: integer(), t: text() });

  it("reads a map with exactly its fields", () => {
    expect(
      map.decode(
        new Map<string, unknown>([
          ["n", 1],
          ["t", "a"],
        ]),
        "m",
      ),
    ).toEqual({ n: 1, t: "a" });
    expect([...map.encode({ t: "a", n: 1 })]).toEqual([
      ["n", 1],
      ["t", "a"],
    ]);
  });

  it("refuses a missing, an unknown and a bad field by name, and what is no map", () => {
    expect(() => map.decode(new Map([["n", 1]]), "m")).toThrow(coded("FIELD_MISSING", "m.t"));
    const more = new Map<string, unknown>([
      ["n", 1],
      ["t", "a"],
      ["x\n", 1],
    ]);
    expect(() => map.decode(more, "m")).toThrow(
      coded("FIELD_UNKNOWN", 'm has an unknown field "x\\n"'),
    );
    const bad = new Map<string, unknown>([
      ["n", 1],
      ["t", 2],
    ]);
    expect(() => map.decode(bad, "m")).toThrow(coded("FIELD_INVALID", "m.t "));
    expect(() => map.decode({ n: 1, t: "a" }, "m")).toThrow(
      coded("FIELD_INVALID", "m is not a map"),
    );
  });
});

describe("objectOf", () => {
  const fields = { n: integer(), t: optional(text()) };

  it("reads an object, with or without its optional fields", () => {
    const codec = objectOf<{ n: number; t?: string }>(fields);
    expect(codec.decode({ n: 1 }, "o")).toEqual({ n: 1 });
    expect(Object.keys(codec.decode({ n: 1 }, "o"))).toEqual(["n"]);
    expect(codec.decode({ t: "a", n: 1 }, "o")).toEqual({ n: 1, t: "a" });
    expect(codec.encode({ n: 1 })).toEqual({ n: 1 });
    expect(Object.keys(codec.encode({ n: 1 }))).toEqual(["n"]);
    expect(codec.encode({ n: 1, t: "a" })).toEqual({ n: 1, t: "a" });
    expect(() => codec.decode({ n: 1, t: 2 }, "o")).toThrow(coded("FIELD_INVALID", "o.t "));
    expect(() => codec.decode({ t: "a" }, "o")).toThrow(coded("FIELD_MISSING", "o.n"));
  });

  it("refuses unknown fields unless it is open", () => {
    const wire = { n: 1, more: 2 };
    expect(() => objectOf(fields).decode(wire, "o")).toThrow(coded("FIELD_UNKNOWN", '"more"'));
    expect(objectOf(fields, { open: true }).decode(wire, "o")).toEqual({ n: 1 });
  });

  it("takes what an object inherits for absent", () => {
    expect(() => objectOf({ toString: text() }).decode({}, "o")).toThrow(
      coded("FIELD_MISSING", "o.toString"),
    );
    const hostile = JSON.parse('{"__proto__":{"n":1}}');
    expect(() => objectOf(fields).decode(hostile, "o")).toThrow(coded("FIELD_MISSING", "o.n"));
  });

  it.each([[null], [1], ["a"], [[]], [undefined]])("refuses %j", (wire) => {
    expect(() => objectOf(fields).decode(wire, "o")).toThrow(coded("FIELD_INVALID", "o is not"));
  });
});
