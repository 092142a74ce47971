// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from "vitest";
import { codeOf } from "../test/code-of.ts";
import { hex } from "../test/vector.ts";
import { ByteReader, ByteWriter } from "./bytes.ts";
import {
  orderPcrValues,
  type PcrSelection,
  type PcrValue,
  readPcrSelection,
  samePcrSelection,
  writePcrSelection,
} from "./pcr.ts";

const SHA256_10: PcrSelection = [{ bank: "sha256", pcrs: [10] }];

function encode(selection: PcrSelection): Uint8Array {
  const writer = new ByteWriter();
  writePcrSelection(writer, selection);
  return writer.finish();
}

function value(index: number, fill = index): PcrValue {
  return { bank: "sha256", index, value: new Uint8Array(32).fill(fill) };
}

describe("selection", () => {
  it("has the bytes of the standard", () => {
    expect(encode(SHA256_10)).toEqual(hex("00000001 000b 03 000400"));
    expect(encode([{ bank: "sha1", pcrs: [23, 0] }])).toEqual(hex("00000001 0004 03 010080"));
  });

  it("reads a bank without PCRs, by which a TPM says that it has no such bank", () => {
    const reader = new ByteReader(hex("00000002 000d 03 000000 000b 03 000400"));
    expect(readPcrSelection(reader)).toEqual([{ bank: "sha512", pcrs: [] }, ...SHA256_10]);
  });

  it.each([
    ["more banks than there are hashes", "00000011", "PCR_SELECTION"],
    ["four bytes of bitmap", "00000001 000b 04 00040000", "PCR_SELECTION"],
    ["no bitmap", "00000001 000b 00", "PCR_SELECTION"],
    ["an unknown bank", "00000001 0012 03 000400", "HASH_UNKNOWN"],
    ["fewer banks than announced", "00000002 000b 03 000400", "BYTES_SHORT"],
  ])("refuses %s", (_, bytes, code) => {
    expect(codeOf(() => readPcrSelection(new ByteReader(hex(bytes))))).toBe(code);
  });

  it.each([24, -1, 1.5, Number.NaN])("does not write PCR %s", (index) => {
    expect(codeOf(() => encode([{ bank: "sha256", pcrs: [index] }]))).toBe("PCR_SELECTION");
  });

  it("does not write more than 16 banks", () => {
    const selection = Array.from({ length: 17 }, () => ({ bank: "sha1", pcrs: [0] }) as const);
    expect(codeOf(() => encode(selection))).toBe("PCR_SELECTION");
  });

  it("is the same in any order of PCRs but not of banks", () => {
    const sha1 = { bank: "sha1", pcrs: [10] } as const;
    const sha256 = { bank: "sha256", pcrs: [10, 13] } as const;
    expect(samePcrSelection([sha256], [{ bank: "sha256", pcrs: [13, 10, 13] }])).toBe(true);
    expect(samePcrSelection([sha1, sha256], [sha256, sha1])).toBe(false);
    expect(samePcrSelection([sha256], SHA256_10)).toBe(false);
    expect(samePcrSelection([{ bank: "sha512", pcrs: [] }, ...SHA256_10], SHA256_10)).toBe(false);
  });
});

describe("values", () => {
  const selection: PcrSelection = [{ bank: "sha256", pcrs: [13, 10] }];

  it("are put in ascending order", () => {
    expect(orderPcrValues(selection, [value(13), value(10)])).toEqual([value(10), value(13)]);
  });

  it.each([
    ["one is missing", [value(10)]],
    ["one was not selected", [value(10), value(13), value(7)]],
    ["one is given twice", [value(10), value(13), value(13, 99)]],
    ["one is of another bank", [value(10), { ...value(13), bank: "sha1" as const }]],
    ["one has another size", [value(10), { ...value(13), value: new Uint8Array(20) }]],
  ])("are refused when %s", (_, values) => {
    expect(codeOf(() => orderPcrValues(selection, values))).toBe("PCR_VALUES");
  });

  it("are refused when a bank is selected twice", () => {
    const twice = [...SHA256_10, ...SHA256_10];
    expect(codeOf(() => orderPcrValues(twice, [value(10)]))).toBe("PCR_VALUES");
    expect(codeOf(() => orderPcrValues(twice, [value(10), value(10, 99)]))).toBe("PCR_VALUES");
  });
});
