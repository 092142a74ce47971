// SPDX-License-Identifier: Apache-2.0

import { Buffer } from "node:buffer";
import { describe, expect, it } from "vitest";
import { SIGNATURES, vectorKey, vectorSignature } from "../../test/signature-vectors.ts";
import { parseImaSignature, SIGNATURE_SIZE_MAX } from "./ima-signature.ts";

const failing = (code: string) => expect.objectContaining({ name: "NsImaError", code });
const v2 = vectorSignature("v2-rsa-sha256").xattr;
const v1 = vectorSignature("v1-rsa-sha256").xattr;

describe("a signature", () => {
  const strong = SIGNATURES.filter(({ name }) => !name.includes("sha1"));

  it.each(strong)("$name is read as its tool wrote it", ({ name, key, digest, xattr }) => {
    const { version, kind, algorithm, keyId, value } = parseImaSignature(xattr);
    expect(version).toBe(xattr[1]);
    expect(kind).toBe({ 3: "file", 5: "evm", 6: "verity" }[xattr[0] ?? 0]);
    expect(`${kind === "verity" ? "verity:" : ""}${algorithm}`).toBe(digest.algorithm);
    if (name.startsWith("v1")) expect(keyId).toHaveLength(16);
    else expect(keyId).toBe(vectorKey(key).keyId);
    expect(xattr.subarray(-value.length)).toEqual(Buffer.from(value));
  });

  it("of version 1 keeps the bytes that it is over", () => {
    expect(parseImaSignature(v1)).toMatchObject({ header: new Uint8Array(v1.subarray(1, 17)) });
  });

  it("may be as large as the largest key makes it, and no larger", () => {
    const sized = (size: number) => {
      const bytes = Buffer.concat([v2.subarray(0, 9), Buffer.alloc(size - 9, 1)]);
      bytes.writeUInt16BE(size - 9, 7);
      return bytes;
    };
    expect(parseImaSignature(sized(SIGNATURE_SIZE_MAX)).value).toHaveLength(SIGNATURE_SIZE_MAX - 9);
    expect(() => parseImaSignature(sized(SIGNATURE_SIZE_MAX + 1))).toThrowError(
      failing("SIGNATURE_MALFORMED"),
    );
  });
});

describe("is refused", () => {
  const changed = (bytes: Buffer, at: number, value: number): Buffer => {
    const copy = Buffer.from(bytes);
    copy[at] = value;
    return copy;
  };

  it.each([
    ["nothing", Buffer.alloc(0)],
    ["a digest", Buffer.from(`01${"aa".repeat(20)}`, "hex")],
    ["an HMAC", Buffer.from(`02${"aa".repeat(20)}`, "hex")],
    ["a digest with its algorithm", Buffer.from(`0404${"aa".repeat(32)}`, "hex")],
    ["a kind alone", v2.subarray(0, 1)],
    ["a version alone", v2.subarray(0, 2)],
    ["version 0", changed(v2, 1, 0)],
    ["version 4", changed(v2, 1, 4)],
    ["version 1 of EVM", changed(v1, 0, 5)],
    ["version 2 of fs-verity", changed(v2, 0, 6)],
    ["a byte more", Buffer.concat([v2, Buffer.of(0)])],
    ["no signature behind the header", Buffer.concat([v2.subarray(0, 7), Buffer.of(0, 0)])],
    ["version 1 with a byte more", Buffer.concat([v1, Buffer.of(0)])],
    ["version 1 with another number of numbers", changed(v1, 16, 2)],
    ["version 1 with a length of 2,056 bits", changed(v1, 18, 8)],
  ])("%s", (_, bytes) => {
    expect(() => parseImaSignature(bytes)).toThrowError(failing("SIGNATURE_MALFORMED"));
  });

  it.each([
    ["SHA-1", vectorSignature("v2-rsa-sha1").xattr],
    ["MD5", changed(v2, 2, 1)],
    ["SHA-224", changed(v2, 2, 7)],
    ["a hash that nobody knows", changed(v2, 2, 255)],
    ["version 1 over SHA-1", vectorSignature("v1-rsa-sha1").xattr],
    ["version 1 with another key than RSA", changed(v1, 6, 1)],
  ])("%s, which proves nothing", (_, bytes) => {
    expect(() => parseImaSignature(bytes)).toThrowError(failing("SIGNATURE_UNSUPPORTED"));
  });

  it.each([
    ["version 1", v1],
    ["version 2", v2],
    ["fs-verity", vectorSignature("verity-p256-sha256").xattr],
  ])("%s when it ends early, wherever", (_, bytes) => {
    for (let length = 0; length < bytes.length; length += 1) {
      expect(() => parseImaSignature(bytes.subarray(0, length))).toThrowError(
        failing("SIGNATURE_MALFORMED"),
      );
    }
  });
});
