// SPDX-License-Identifier: Apache-2.0

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseContainerState } from "./container-state.ts";
import { ProtocolError } from "./error.ts";
import { HOOK_STATE_MAX } from "./limits.ts";

const bytes = (text: string) => new Uint8Array(Buffer.from(text));
const parse = (value: unknown) => parseContainerState(bytes(JSON.stringify(value)));
const coded = (code: string, at = "") =>
  expect.objectContaining({ name: "ProtocolError", code, message: expect.stringContaining(at) });

const state = {
  ociVersion: "1.0.2-dev",
  id: "4f1c",
  status: "creating",
  pid: 4242,
  bundle: "/run/containerd/io.containerd.runtime.v2.task/k8s.io/4f1c",
  annotations: { "io.kubernetes.cri.container-name": "web" },
};

describe("parseContainerState", () => {
  it("reads what runc writes for createRuntime", () => {
    expect(parse(state)).toEqual({
      id: "4f1c",
      status: "creating",
      pid: 4242,
      bundle: state.bundle,
      annotations: new Map([["io.kubernetes.cri.container-name", "web"]]),
    });
  });

  it("reads what runc and crun write for poststop", () => {
    const { pid: _, annotations: __, ...stopped } = state;
    const parsed = {
      id: "4f1c",
      status: "stopped",
      pid: null,
      bundle: state.bundle,
      annotations: new Map(),
    };
    expect(parse({ ...stopped, status: "stopped" })).toEqual(parsed);
    expect(parse({ ...stopped, status: "stopped", pid: 0, root: "/rootfs" })).toEqual(parsed);
  });

  it("keeps lines in the value of an annotation", () => {
    const document = '{\n\t"a": 1\r\n}';
    expect(parse({ ...state, annotations: { document } }).annotations.get("document")).toBe(
      document,
    );
  });

  it.each([
    "",
    ".",
    "..",
    "../../etc",
    "a/b",
    "a b",
    "a\nb",
    "a\u0000",
    "ä",
    "x".repeat(129),
    7,
    null,
    ["a"],
  ])("refuses the id %j", (id) => {
    expect(() => parse({ ...state, id })).toThrow(coded("FIELD_INVALID", "state.id"));
  });

  it.each([
    "",
    "run/x",
    "./x",
    "/",
    "/run/../etc",
    "/run/./x",
    "/run//x",
    "/run/x/",
    "/run/x/..",
    "/run/\u0000x",
    "/run/\nx",
    "/run/\u001b[2Jx",
    `/${"x".repeat(4096)}`,
    7,
  ])("refuses the bundle %j", (bundle) => {
    expect(() => parse({ ...state, bundle })).toThrow(coded("FIELD_INVALID", "state.bundle"));
  });

  it.each([-1, 1.5, 4_194_305, 1e300, "1", true, null, {}])("refuses the pid %j", (pid) => {
    expect(() => parse({ ...state, pid })).toThrow(coded("FIELD_INVALID", "state.pid"));
  });

  it.each(["", "Creating", "a\n", "x".repeat(33), 1])("refuses the status %j", (status) => {
    expect(() => parse({ ...state, status })).toThrow(coded("FIELD_INVALID", "state.status"));
  });

  it.each([
    ["a list", []],
    ["a text", "a"],
    ["null", null],
    ["a number for a value", { a: 1 }],
    ["an object for a value", { a: {} }],
    ["an empty key", { "": "a" }],
    ["a key of two lines", { "a\nb": "a" }],
    ["a key that is too long", { ["x".repeat(513)]: "a" }],
    ["a NUL in a value", { a: "\u0000" }],
    ["an escape sequence in a value", { a: "\u001b[2J" }],
    ["too many", Object.fromEntries(Array.from({ length: 1025 }, (_, key) => [key, ""]))],
  ])("refuses annotations with %s", (_, annotations) => {
    expect(() => parse({ ...state, annotations })).toThrow(
      coded("FIELD_INVALID", "state.annotations"),
    );
  });

  it("takes __proto__ for a key like any other", () => {
    const text = `{"id":"a","bundle":"/b","status":"creating","annotations":{"__proto__":"x"},"__proto__":{"pid":7}}`;
    const parsed = parseContainerState(bytes(text));
    expect(parsed.annotations.get("__proto__")).toBe("x");
    expect(parsed.pid).toBeNull();
  });

  it.each(["id", "bundle", "status"])("refuses a state without %s", (field) => {
    expect(() => parse({ ...state, [field]: undefined })).toThrow(coded("FIELD_MISSING", field));
  });

  it.each(["null", "1", '"a"', "[]", "[{}]"])("refuses %s for a state", (text) => {
    expect(() => parseContainerState(bytes(text))).toThrow(coded("FIELD_INVALID", "state"));
  });

  it.each([
    ["nothing", ""],
    ["half a state", '{"id":'],
    ["two states", "{}{}"],
    ["a byte order mark", "\ufeff{}"],
    ["deep nesting", "[".repeat(100_000)],
  ])("refuses %s", (_, text) => {
    expect(() => parseContainerState(bytes(text))).toThrow(coded("JSON_MALFORMED"));
  });

  it("refuses what is no UTF-8", () => {
    expect(() => parseContainerState(new Uint8Array([0x22, 0xff, 0x22]))).toThrow(
      coded("JSON_MALFORMED"),
    );
  });

  it("limits its size", () => {
    const text = JSON.stringify(state);
    const full = bytes(text.padEnd(HOOK_STATE_MAX));
    expect(parseContainerState(full).id).toBe("4f1c");
    expect(() => parseContainerState(bytes(text.padEnd(HOOK_STATE_MAX + 1)))).toThrow(
      coded("MESSAGE_TOO_LARGE"),
    );
  });

  it("answers whatever it is given with a state or a coded error", () => {
    const check = (input: Uint8Array) => {
      try {
        parseContainerState(input);
      } catch (error) {
        expect(error).toBeInstanceOf(ProtocolError);
      }
    };
    fc.assert(fc.property(fc.uint8Array(), check));
    const field = fc.constantFrom("id", "bundle", "status", "pid", "annotations");
    fc.assert(
      fc.property(field, fc.jsonValue(), (name, value) =>
        check(bytes(JSON.stringify({ ...state, [name]: value }))),
      ),
    );
  });
});
