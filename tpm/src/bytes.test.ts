// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from "vitest";
import { codeOf } from "../test/code-of.ts";
import { hex } from "../test/vector.ts";
import { ByteReader, ByteWriter } from "./bytes.ts";

describe("ByteReader", () => {
  it("reads both byte orders and says where it is", () => {
    const reader = new ByteReader(
      hex("01 0203 04050607 08000000 000000000000000a 0b00000000000000 0c"),
    );
    expect([reader.u8(), reader.u16(), reader.u32(), reader.u32le()]).toEqual([
      1, 0x203, 0x4050607, 8,
    ]);
    expect([reader.u64(), reader.u64le(), reader.offset]).toEqual([10, 11, 27]);
    expect([...reader.rest]).toEqual([12]);
    expect(reader.remaining).toBe(1);
  });

  it("looks at what comes next and leaves it there, or passes over it", () => {
    const reader = new ByteReader(hex("00 0102 03").subarray(0, 3));
    reader.skip(1);
    expect([hex("01"), hex("0102"), hex("")].map((next) => reader.startsWith(next))).toEqual([
      true,
      true,
      true,
    ]);
    // Not the bytes behind the reader's own.
    expect([hex("02"), hex("0103"), hex("010203")].map((next) => reader.startsWith(next))).toEqual([
      false,
      false,
      false,
    ]);
    expect(reader.offset).toBe(1);
    expect(codeOf(() => reader.skip(3))).toBe("BYTES_SHORT");
  });

  it("reads from a view into a larger buffer", () => {
    const reader = new ByteReader(hex("ff0102ff").subarray(1, 3));
    expect(reader.u16()).toBe(0x0102);
    reader.end();
  });

  it.each([
    ["u8", 0],
    ["u16", 1],
    ["u16le", 1],
    ["u32", 3],
    ["u32le", 3],
    ["u64", 7],
    ["u64le", 7],
    ["tpm2b", 1],
  ] as const)("%s does not read past the end and does not move", (verb, length) => {
    const reader = new ByteReader(new Uint8Array(length));
    expect(codeOf(() => reader[verb]())).toBe("BYTES_SHORT");
    expect(reader.offset).toBe(0);
  });

  it("leaves the cursor before the size of a TPM2B that is cut off", () => {
    const reader = new ByteReader(hex("0003 0102"));
    expect(codeOf(() => reader.tpm2b())).toBe("BYTES_SHORT");
    expect(reader.offset).toBe(0);
  });

  it.each([-1, 1.5, Number.NaN, 3, 2 ** 53])("refuses to read %s bytes out of 2", (length) => {
    expect(codeOf(() => new ByteReader(new Uint8Array(2)).bytes(length))).toBe("BYTES_SHORT");
  });

  it("reads 2^53-1 and nothing above", () => {
    expect(new ByteReader(hex("001fffffffffffff")).u64()).toBe(Number.MAX_SAFE_INTEGER);
    const reader = new ByteReader(hex("0020000000000000"));
    expect(codeOf(() => reader.u64())).toBe("BYTES_RANGE");
    expect(codeOf(() => new ByteReader(hex("0000000000002000")).u64le())).toBe("BYTES_RANGE");
    expect(reader.offset).toBe(0);
  });

  it("refuses to end while bytes are left", () => {
    expect(codeOf(() => new ByteReader(hex("00")).end())).toBe("BYTES_TRAILING");
  });
});

describe("ByteWriter", () => {
  it("grows in the middle of any verb", () => {
    const writer = new ByteWriter();
    for (let index = 0; index < 1000; index++) writer.u8(index & 0xff).u32(index);
    writer.tpm2b(new Uint8Array(5000).fill(7));
    const reader = new ByteReader(writer.finish());
    for (let index = 0; index < 1000; index++) {
      expect([reader.u8(), reader.u32()]).toEqual([index & 0xff, index]);
    }
    expect(reader.tpm2b()).toEqual(new Uint8Array(5000).fill(7));
    reader.end();
  });

  it.each([
    ["u8", 0x100],
    ["u16", 0x1_0000],
    ["u16le", 0x1_0000],
    ["u32", 2 ** 32],
    ["u32le", -1],
    ["u64", 2 ** 53],
    ["u64le", 0.5],
  ] as const)("%s refuses %s", (verb, value) => {
    expect(codeOf(() => new ByteWriter()[verb](value))).toBe("BYTES_RANGE");
  });

  it("refuses a TPM2B whose size does not fit", () => {
    expect(codeOf(() => new ByteWriter().tpm2b(new Uint8Array(0x1_0000)))).toBe("BYTES_RANGE");
  });
});
