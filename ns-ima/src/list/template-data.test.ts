// SPDX-License-Identifier: Apache-2.0

import { Buffer } from "node:buffer";
import { hash } from "node:crypto";
import { ByteWriter } from "@nsattest/tpm";
import { describe, expect, it } from "vitest";
import { LEGACY_PATH_MAX } from "../limits.ts";
import { compileTemplate, type Template } from "./template.ts";
import { decodeTemplateData, encodeTemplateData, hashedBytes } from "./template-data.ts";

const D = `sha256:\0${"d".repeat(32)}`;
const D2 = `ima:${D}`;
const EVM_SIG = "evm-sig";

function template(name: string): Template {
  const compiled = compileTemplate(name);
  if (!compiled) throw new Error(`${name} is no template`);
  return compiled;
}

/** Fields as the kernel frames them, from latin1 text. */
function fields(...values: string[]): Uint8Array {
  const writer = new ByteWriter();
  for (const value of values) writer.u32le(value.length).bytes(Buffer.from(value, "latin1"));
  return writer.finish();
}

function legacy(digest: string, path: string): Uint8Array {
  return new ByteWriter()
    .bytes(Buffer.from(digest, "latin1"))
    .u32le(path.length)
    .bytes(Buffer.from(path, "latin1"))
    .finish();
}

function bytes(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, "latin1"));
}

describe("fields of all templates", () => {
  it.each<[string, string, string[]]>([
    ["a signature and none appended", "ima-modsig", [D, "/a\0", "\x03\x02", "", ""]],
    ["an appended signature", "ima-modsig", [D, "/a\0", "", D, "\x30\x82"]],
    [
      "attributes and ids",
      EVM_SIG,
      [D, "/a\0", "\x05", "a|b\0", "12345678", "vv", "uuuu", "gggg", "mm"],
    ],
    ["nothing to say of a file", EVM_SIG, [D, "boot_aggregate\0", "", "", "", "", "", "", ""]],
    ["a digest without a name", "d|n", ["d".repeat(20), "/a\0"]],
    ["an MD5 digest", "d|n", ["d".repeat(16), "/a\0"]],
    ["a longest short path", "d|n", ["d".repeat(20), `${"a".repeat(LEGACY_PATH_MAX)}\0`]],
    ["a content's digest", "ima-ngv2", [D2, "/a\0"]],
    ["an fs-verity digest", "ima-sigv2", [`verity:${D}`, "/a\0", "\x06"]],
    ["a field that is not known", "n-ng|newer|d-ng", ["/a\0", "anything", D]],
    ["a buffer in another template", "d-ng|n-ng|buf", [D, "/a\0", "not hashed"]],
  ])("are read and written again: %s", (_, name, values) => {
    const data = fields(...values);
    const content = decodeTemplateData(template(name), data, 0);
    expect(encodeTemplateData(template(name), content)).toEqual(data);
  });

  it("say what they are", () => {
    const read = (name: string, ...values: string[]) =>
      decodeTemplateData(template(name), fields(...values), 0);
    expect(read("ima-sigv2", `verity:${D}`, "/a\0", "").digest).toEqual({
      algorithm: "verity:sha256",
      value: bytes("d".repeat(32)),
    });
    expect(read("ima-ngv2", D2, "/a\0").digest.algorithm).toBe("sha256");
    expect(read("d|n", "d".repeat(16), "/a\0").digest.algorithm).toBe("md5");
    expect(read("n-ng|newer|d-ng", "/a\0", "any", D)).toMatchObject({
      path: "/a",
      others: [{ id: "newer", value: bytes("any") }],
    });
  });

  it.each<[string, string, string[]]>([
    ["neither SHA-1 nor MD5", "d|n", ["d".repeat(32), "/a\0"]],
    [
      "a short path that is too long",
      "d|n",
      ["d".repeat(20), `${"a".repeat(LEGACY_PATH_MAX + 1)}\0`],
    ],
    ["a digest without a type", "ima-ngv2", [D, "/a\0"]],
    ["a digest of another type", "ima-ngv2", [`ino:${D}`, "/a\0"]],
    ["a digest of two types", "ima-ngv2", [`ima:verity:${D}`, "/a\0"]],
    ["an appended signature's digest that is none", "ima-modsig", [D, "/a\0", "", "sha256", ""]],
    ["an EVM signature of another type", EVM_SIG, [D, "/a\0", "\x03", "", "", "", "", "", ""]],
    ["names that do not end", EVM_SIG, [D, "/a\0", "", "a|b", "", "", "", "", ""]],
    ["names with a NUL inside", EVM_SIG, [D, "/a\0", "", "a\0b\0", "", "", "", "", ""]],
    ["half a length", EVM_SIG, [D, "/a\0", "", "", "123", "", "", "", ""]],
    ["half a user id", EVM_SIG, [D, "/a\0", "", "", "", "", "uu", "", ""]],
    ["half a group id", EVM_SIG, [D, "/a\0", "", "", "", "", "", "ggg", ""]],
    ["a mode of four bytes", EVM_SIG, [D, "/a\0", "", "", "", "", "", "", "mmmm"]],
  ])("are refused with %s", (_, name, values) => {
    expect(() => decodeTemplateData(template(name), fields(...values), 7)).toThrow(
      expect.objectContaining({
        code: "LIST_TEMPLATE_FIELDS",
        message: expect.stringContaining(`record 7 is no ${name}`),
      }),
    );
  });
});

describe("the template ima", () => {
  const ima = template("ima");

  it("is read and written again, and hashed with its path in 256 bytes", () => {
    const data = legacy("d".repeat(20), "/mnt/f");
    const content = decodeTemplateData(ima, data, 0);
    expect(content).toMatchObject({ path: "/mnt/f", digest: { algorithm: "sha1" } });
    expect(encodeTemplateData(ima, content)).toEqual(data);
    expect(hashedBytes(ima, data)).toEqual(bytes(`${"d".repeat(20)}/mnt/f`.padEnd(276, "\0")));
  });

  it("has the longest path that the kernel writes, and no longer one", () => {
    const long = legacy("d".repeat(20), "a".repeat(LEGACY_PATH_MAX));
    expect(decodeTemplateData(ima, long, 0).path).toHaveLength(LEGACY_PATH_MAX);
    const longer = legacy("d".repeat(20), "a".repeat(LEGACY_PATH_MAX + 1));
    expect(() => decodeTemplateData(ima, longer, 0)).toThrow("this is no path");
  });

  it("has no NUL in its path: it would be hashed like another one", () => {
    expect(() => decodeTemplateData(ima, legacy("d".repeat(20), "/a\0"), 0)).toThrow();
  });
});

it("a buffer must have the digest of its record in the template that is for buffers", () => {
  const good = `sha256:\0${hash("sha256", "key", "buffer").toString("latin1")}`;
  const read = (digest: string) =>
    decodeTemplateData(template("ima-buf"), fields(digest, "name\0", "key"), 0);
  expect(read(good).buffer).toEqual(bytes("key"));
  expect(() => read(D)).toThrow("buf does not have the digest");
});
