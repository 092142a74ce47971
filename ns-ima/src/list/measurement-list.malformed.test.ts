// SPDX-License-Identifier: Apache-2.0

import { Buffer } from "node:buffer";
import { hash } from "node:crypto";
import { ByteWriter } from "@nsattest/tpm";
import { describe, expect, it } from "vitest";
import type { NsImaErrorCode } from "../error.ts";
import { LIST_DATA_MAX, LIST_NAME_MAX } from "../limits.ts";
import { encodeEntry } from "./encode-entry.ts";
import { parseMeasurementList } from "./measurement-list.ts";

const DIGEST = `sha256:\0${"d".repeat(32)}`;

/** Fields as the kernel frames them, from latin1 text. */
function fields(...values: string[]): Uint8Array {
  const writer = new ByteWriter();
  for (const value of values) writer.u32le(value.length).bytes(Buffer.from(value, "latin1"));
  return writer.finish();
}

function record(template: string, data: Uint8Array, digest = hash("sha1", data, "buffer")) {
  return new ByteWriter()
    .u32le(10)
    .bytes(digest)
    .u32le(template.length)
    .bytes(Buffer.from(template, "latin1"))
    .u32le(data.length)
    .bytes(data)
    .finish();
}

function expectRefusal(bytes: Uint8Array, code: NsImaErrorCode, message = ""): void {
  expect(() => parseMeasurementList(bytes)).toThrowError(
    expect.objectContaining({
      name: "NsImaError",
      code,
      message: expect.stringContaining(message),
    }),
  );
}

describe("header", () => {
  it.each([
    ["a big-endian list", [0, 0, 0, 10], "LIST_BIG_ENDIAN"],
    ["the last PCR of a big-endian list", [0, 0, 0, 31], "LIST_BIG_ENDIAN"],
    ["big-endian PCR 32", [0, 0, 0, 32], "LIST_PCR"],
    ["PCR 32", [32, 0, 0, 0], "LIST_PCR"],
    ["text", [0x31, 0x30, 0x20, 0x37], "LIST_PCR"],
  ] as const)("is refused when it is %s", (_, bytes, code) => {
    expectRefusal(Uint8Array.from(bytes), code, "record 0");
  });

  it("takes the last PCR number", () => {
    expect(parseMeasurementList(Uint8Array.of(31, 0, 0, 0)).consumed).toBe(0);
  });

  it.each(["", "ima-ng\0", "IMA-NG", "ima-modsig", "evm-sig", "__proto__", "constructor"])(
    "is refused with the template %j",
    (template) => {
      expectRefusal(record(template, fields(DIGEST, "/a\0")), "LIST_TEMPLATE_UNSUPPORTED");
    },
  );

  it("shows a hostile template name escaped", () => {
    expectRefusal(record("\x1b[2J\xff", new Uint8Array()), "LIST_TEMPLATE_UNSUPPORTED", "\\x1b[2J");
  });

  const start = (name: number): ByteWriter =>
    new ByteWriter().u32le(10).bytes(new Uint8Array(20)).u32le(name);

  it("is refused at once when the name is too long", () => {
    expect(parseMeasurementList(start(LIST_NAME_MAX).finish()).consumed).toBe(0);
    expectRefusal(start(LIST_NAME_MAX + 1).finish(), "LIST_LIMIT");
    expectRefusal(start(0xffff_ffff).finish(), "LIST_LIMIT");
  });

  it("is refused at once when the data is too long", () => {
    const named = (length: number): Uint8Array =>
      start(6).bytes(Buffer.from("ima-ng")).u32le(length).finish();
    expect(parseMeasurementList(named(LIST_DATA_MAX)).consumed).toBe(0);
    expectRefusal(named(LIST_DATA_MAX + 1), "LIST_LIMIT");
  });

  it("takes a record with as much data as allowed", () => {
    const buffer = new Uint8Array(LIST_DATA_MAX - 4 - 40 - 4 - 2 - 4).fill(1);
    const digest = { algorithm: "sha256", value: hash("sha256", buffer, "buffer") };
    const content = { pcr: 10, template: "ima-buf", path: "b", signature: null } as const;
    const bytes = encodeEntry({ ...content, digest, buffer });
    expect(parseMeasurementList(bytes).entries[0]?.buffer?.length).toBe(buffer.length);
  });
});

describe("digest of the list", () => {
  it("must be that of the data", () => {
    const data = fields(DIGEST, "/a\0");
    expectRefusal(record("ima-ng", data, Buffer.alloc(20, 1)), "LIST_TEMPLATE_DIGEST", "record 0");
  });

  it("is not checked for a violation, whose fields are", () => {
    const zero = Buffer.alloc(20);
    expect(parseMeasurementList(record("ima-ng", fields(DIGEST, "/a\0"), zero)).entries).toEqual([
      expect.objectContaining({ violation: true, digest: null }),
    ]);
    expectRefusal(record("ima-ng", fields(DIGEST), zero), "LIST_TEMPLATE_FIELDS");
  });
});

describe("fields", () => {
  it.each<[string, string, string[]]>([
    ["no field", "ima-ng", []],
    ["no path", "ima-ng", [DIGEST]],
    ["one field too many", "ima-ng", [DIGEST, "/a\0", ""]],
    ["more fields than the kernel has", "ima-sig", [DIGEST, "/a\0", ...Array(14).fill("")]],
    ["ima-ng relabelled ima-sig", "ima-sig", [DIGEST, "/a\0"]],
    ["ima-ng relabelled ima-buf", "ima-buf", [DIGEST, "/a\0"]],
    ["ima-ngv2 relabelled ima-ng", "ima-ng", [`ima:${DIGEST}`, "/a\0"]],
    ["a signed file relabelled ima-buf", "ima-buf", [DIGEST, "/a\0", "\x03\x02"]],
    ["a buffer relabelled ima-sig", "ima-sig", [DIGEST, "name\0", "buffer"]],
    ["an empty digest field", "ima-ng", ["", "/a\0"]],
    ["a digest without algorithm", "ima-ng", [`:\0${"d".repeat(32)}`, "/a\0"]],
    ["a digest without colon", "ima-ng", ["d".repeat(20), "/a\0"]],
    ["a digest without NUL", "ima-ng", ["sha256:dd", "/a\0"]],
    ["a digest that ends at the colon", "ima-ng", ["sha256:", "/a\0"]],
    ["a digest without bytes", "ima-ng", ["sha256:\0", "/a\0"]],
    ["a digest longer than any", "ima-ng", [`sha256:\0${"d".repeat(65)}`, "/a\0"]],
    ["an algorithm in capitals", "ima-ng", [`SHA256:\0${"d".repeat(32)}`, "/a\0"]],
    ["an algorithm longer than any", "ima-ng", [`${"a".repeat(33)}:\0d`, "/a\0"]],
    ["an empty path field", "ima-ng", [DIGEST, ""]],
    ["a path without NUL", "ima-ng", [DIGEST, "/a"]],
    ["a path with a NUL inside", "ima-ng", [DIGEST, "/a\0b\0"]],
    ["a path with two NULs at the end", "ima-ng", [DIGEST, "/a\0\0"]],
    ["a signature of no known type", "ima-sig", [DIGEST, "/a\0", "\x04\x02"]],
    ["a buffer with a digest that we cannot compute", "ima-buf", ["sm3:\0d", "name\0", "b"]],
  ])("are refused with %s", (_, template, values) => {
    expectRefusal(
      record(template, fields(...values)),
      "LIST_TEMPLATE_FIELDS",
      `record 0 is no ${template}`,
    );
  });

  it("are refused when a field is longer than the data, or bytes are left over", () => {
    const data = fields(DIGEST, "/a\0");
    expectRefusal(record("ima-ng", data.slice(0, -1)), "LIST_TEMPLATE_FIELDS");
    expectRefusal(record("ima-ng", Buffer.concat([data, Buffer.of(0)])), "LIST_TEMPLATE_FIELDS");
  });

  it.each([3, 5, 6])("take a signature of type %i", (type) => {
    const data = fields(DIGEST, "/a\0", String.fromCharCode(type));
    expect(parseMeasurementList(record("ima-sig", data)).entries).toMatchObject([
      { signature: Uint8Array.of(type) },
    ]);
  });

  it("take any algorithm and any path: files and containers choose them", () => {
    const path = "/\x01 \n\x80\xff\\";
    const data = fields("streebog512:\0d", `${path}\0`);
    expect(parseMeasurementList(record("ima-ng", data)).entries).toMatchObject([
      { path, digest: { algorithm: "streebog512" } },
    ]);
    expect(parseMeasurementList(record("ima-ng", fields(DIGEST, "\0"))).entries).toMatchObject([
      { path: "" },
    ]);
  });
});
