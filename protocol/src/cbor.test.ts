// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from "vitest";
import { type CborValue, decodeCbor, encodeCbor } from "./cbor.ts";
import { CBOR_DEPTH_MAX, CBOR_ITEMS_MAX } from "./limits.ts";

const MAX = 10_000_000;
const hex = (text: string) => new Uint8Array(Buffer.from(text.replaceAll(" ", ""), "hex"));
const decode = (text: string) => decodeCbor(hex(text), MAX);
const coded = (code: string) => expect.objectContaining({ name: "ProtocolError", code });

describe("encodeCbor", () => {
  // Appendix A of RFC 8949, as far as our part of CBOR goes, and the edges of each width.
  it.each<[string, CborValue]>([
    ["00", 0],
    ["17", 23],
    ["1818", 24],
    ["18ff", 255],
    ["190100", 256],
    ["1a00010000", 65_536],
    ["1affffffff", 4_294_967_295],
    ["1b0000000100000000", 4_294_967_296],
    ["1b000000e8d4a51000", 1_000_000_000_000],
    ["1b001fffffffffffff", Number.MAX_SAFE_INTEGER],
    ["f4", false],
    ["f5", true],
    ["f6", null],
    ["40", new Uint8Array(0)],
    ["4401020304", hex("01020304")],
    ["60", ""],
    ["6449455446", "IETF"],
    ["62c3bc", "ü"],
    ["64f0908591", "\u{10151}"],
    ["80", []],
    ["8301820203820405", [1, [2, 3], [4, 5]]],
    ["a0", new Map()],
    [
      "a26161016162820203",
      new Map<string, CborValue>([
        ["a", 1],
        ["b", [2, 3]],
      ]),
    ],
  ])("writes %s, and decodeCbor reads it", (expected, value) => {
    expect(Buffer.from(encodeCbor(value)).toString("hex")).toBe(expected);
    expect(decode(expected)).toEqual(value);
  });

  it("writes a Buffer as what it is, a byte string", () => {
    expect(encodeCbor(Buffer.from([1]))).toEqual(hex("4101"));
  });

  it.each([-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, "\ud800", "a\udc00"])(
    "refuses %j",
    (value) => {
      expect(() => encodeCbor([value])).toThrow(coded("FIELD_INVALID"));
      expect(() => encodeCbor(new Map([["a", value]]))).toThrow(coded("FIELD_INVALID"));
    },
  );

  it("hands out memory of its own", () => {
    const first = encodeCbor([1, 2, 3]);
    encodeCbor([4, 5, 6]);
    expect(first).toEqual(hex("83010203"));
    expect(first.buffer.byteLength).toBe(4);
  });

  it("writes texts and byte strings of every length class", () => {
    for (const length of [23, 24, 63, 64, 255, 256, 65_535, 65_536, 3_000_000]) {
      for (const value of ["x".repeat(length), "ü".repeat(length)]) {
        expect(decodeCbor(encodeCbor([value, 7]), MAX)).toEqual([value, 7]);
      }
      const bytes = new Uint8Array(length).fill(length);
      const [read] = decodeCbor(encodeCbor([bytes, 7]), MAX) as [Uint8Array];
      expect(Buffer.compare(read, bytes)).toBe(0);
    }
  });
});

describe("decodeCbor", () => {
  it.each([
    ["nothing", ""],
    ["half a number", "19 01"],
    ["half a text", "64 61 62"],
    ["half an array", "82 01"],
    ["half a map", "a1 61 61"],
    ["a second item", "00 00"],
    ["a byte string longer than any memory", "5b 00 1f ff ff ff ff ff ff"],
    ["an array longer than any memory", "9b 00 1f ff ff ff ff ff ff 00"],
    ["a length above 2^53", "5b ff ff ff ff ff ff ff ff"],
    ["a number above 2^53", "1b 00 20 00 00 00 00 00 00"],
    ["a map with a huge count", "ba ff ff ff ff 61 61 00"],
  ])("refuses %s as malformed", (_, text) => {
    expect(() => decode(text)).toThrow(coded("CBOR_MALFORMED"));
  });

  it.each([
    ["a negative number", "20"],
    ["a float", "f9 3c 00"],
    ["a double", "fb 3f f1 99 99 99 99 99 9a"],
    ["undefined", "f7"],
    ["a simple value", "f0"],
    ["a break", "ff"],
    ["an indefinite array", "9f 01 ff"],
    ["an indefinite map", "bf 61 61 01 ff"],
    ["an indefinite byte string", "5f 41 01 ff"],
    ["reserved lengths", "1c"],
    ["a date", "c1 1a 51 4b 67 b0"],
    ["a big number", "c2 49 01 00 00 00 00 00 00 00 00"],
    ["a typed array", "d8 40 41 01"],
    ["an Error to be built", "d8 1b 83 65 45 72 72 6f 72 61 61 61 62"],
    ["a set", "d9 01 02 81 01"],
    ["an explicit map", "d9 01 03 a0"],
    ["a record definition", "d9 df ff 83 19 e0 00 81 61 61 01"],
    ["bundled strings", "d9 df f9 82 00 60"],
    ["packed values", "d8 33 84 80 80 80 00"],
    ["a tag within an array", "81 c1 00"],
    ["a tag within a map", "a1 61 61 c1 00"],
    ["a map key that is a number", "a1 01 01"],
    ["a map key that is a byte string", "a1 41 61 01"],
    ["a map key that is an array", "a1 80 01"],
  ])("refuses %s", (_, text) => {
    expect(() => decode(text)).toThrow(coded("CBOR_FORBIDDEN"));
  });

  it.each([
    ["a number with a byte too many", "18 17"],
    ["a number in 8 bytes that fits in 4", "1b 00 00 00 00 00 00 00 01"],
    ["a length with a byte too many", "58 01 00"],
    ["a count with a byte too many", "98 01 00"],
    ["a key twice", "a2 61 61 01 61 61 02"],
    ["text that is no UTF-8", "61 ff"],
    ["text with a lone surrogate", "63 ed a0 80"],
    ["text with an overlong NUL", "62 c0 80"],
  ])("refuses %s", (_, text) => {
    // A short text and a long one take different ways through the decoder.
    expect(() => decode(text)).toThrow(coded("CBOR_NOT_STRICT"));
    expect(() => decode(`82 ${text} 58 c8 ${"00".repeat(200)}`)).toThrow(coded("CBOR_NOT_STRICT"));
  });

  it("refuses more bytes than the message may have, without looking at them", () => {
    expect(decodeCbor(hex("83010203"), 4)).toEqual([1, 2, 3]);
    expect(() => decodeCbor(hex("83010203"), 3)).toThrow(coded("MESSAGE_TOO_LARGE"));
    expect(() => decodeCbor(hex("ffffffff"), 3)).toThrow(coded("MESSAGE_TOO_LARGE"));
  });

  it("limits nesting, of arrays and of maps", () => {
    const nested = (depth: number) => `${"81".repeat(depth)}00`;
    expect(decode(nested(CBOR_DEPTH_MAX))).toBeDefined();
    expect(() => decode(nested(CBOR_DEPTH_MAX + 1))).toThrow(coded("CBOR_LIMIT"));
    expect(() => decode(nested(1_000_000))).toThrow(coded("CBOR_LIMIT"));
    expect(() => decode(`${"a16161".repeat(CBOR_DEPTH_MAX + 1)}00`)).toThrow(coded("CBOR_LIMIT"));
  });

  it("limits the number of items", () => {
    const items = new Uint8Array(CBOR_ITEMS_MAX + 5);
    items.set([0x9a]);
    new DataView(items.buffer).setUint32(1, CBOR_ITEMS_MAX);
    expect(() => decodeCbor(items, MAX)).toThrow(coded("CBOR_LIMIT"));
  });

  it("leaves its input alone and hands out views on it", () => {
    const input = hex("824101a0");
    const value = decodeCbor(input, MAX) as [Uint8Array, unknown];
    expect(value[0].buffer).toBe(input.buffer);
    expect(Object.keys(input)).toEqual(["0", "1", "2", "3"]);
  });

  it("does not take __proto__ for more than a key", () => {
    const value = decode("a1 69 5f5f70726f746f5f5f a0");
    expect(value).toEqual(new Map([["__proto__", new Map()]]));
  });

  it("is as good after a refusal as before", () => {
    expect(() => decode("82 01 c1 00")).toThrow();
    expect(() => decode("62 c0 80")).toThrow();
    expect(decode("82 01 02")).toEqual([1, 2]);
  });
});
