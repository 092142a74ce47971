// SPDX-License-Identifier: Apache-2.0

/** CBOR (RFC 8949) as its writer wants it, not as our encoder writes it. */
export type RawCbor = Uint8Array;

const Major = { unsigned: 0, bytes: 2, text: 3, array: 4, map: 5 } as const;

/** The head of an item in its shortest form; with `width`, in that many bytes after the first. */
export function head(major: number, value: number, width?: 0 | 1 | 2 | 4 | 8): RawCbor {
  const shortest =
    value < 24 ? 0 : value < 0x100 ? 1 : value < 0x1_0000 ? 2 : value < 2 ** 32 ? 4 : 8;
  const size = width ?? shortest;
  const bytes = Buffer.alloc(1 + size);
  const info = { 0: value, 1: 24, 2: 25, 4: 26, 8: 27 }[size];
  bytes.writeUInt8((major << 5) | info);
  if (size === 8) bytes.writeBigUInt64BE(BigInt(value), 1);
  else if (size > 0) bytes.writeUIntBE(value, 1, size);
  return bytes;
}

export function number(value: number, width?: 0 | 1 | 2 | 4 | 8): RawCbor {
  return head(Major.unsigned, value, width);
}

export function bytes(value: Uint8Array): RawCbor {
  return Buffer.concat([head(Major.bytes, value.length), value]);
}

/** Text; bytes that are no UTF-8 can be given as bytes. */
export function text(value: string | Uint8Array): RawCbor {
  const utf8 = typeof value === "string" ? Buffer.from(value) : value;
  return Buffer.concat([head(Major.text, utf8.length), utf8]);
}

export function array(...items: readonly RawCbor[]): RawCbor {
  return Buffer.concat([head(Major.array, items.length), ...items]);
}

/** A map of pairs, in any order and with any keys. */
export function map(...pairs: readonly (readonly [key: RawCbor, value: RawCbor])[]): RawCbor {
  return Buffer.concat([head(Major.map, pairs.length), ...pairs.flat()]);
}

export const YES: RawCbor = new Uint8Array([0xf5]);
export const NO: RawCbor = new Uint8Array([0xf4]);
export const NOTHING: RawCbor = new Uint8Array([0xf6]);
