// SPDX-License-Identifier: Apache-2.0

import { Buffer, isUtf8 } from "node:buffer";
import { ByteReader } from "@nsattest/tpm";
import { Encoder } from "cbor-x";
import { ProtocolError } from "./error.ts";
import { CBOR_DEPTH_MAX, CBOR_ITEMS_MAX } from "./limits.ts";

/** The part of CBOR (RFC 8949) that our messages use. Numbers are integers from 0 to 2^53-1. */
export type CborValue =
  | null
  | boolean
  | number
  | string
  | Uint8Array
  | readonly CborValue[]
  | ReadonlyMap<string, CborValue>;

const Major = { UNSIGNED: 0, BYTES: 2, TEXT: 3, ARRAY: 4, MAP: 5 } as const;
const Simple = { FALSE: 0xf4, TRUE: 0xf5, NULL: 0xf6 } as const;

// As few of the package's own extensions as it lets one choose. It only encodes: its decoder takes several forms of one
// value and follows tags into records, packed values and constructors.
const codec = new Encoder({
  mapsAsObjects: false,
  useRecords: false,
  tagUint8Array: false,
  variableMapSize: true,
}) as Encoder & { useBuffer(buffer: Uint8Array): void }; // Documented, but not in its types.

/** Where messages are written first; larger ones get memory of their own. */
const SCRATCH = Buffer.allocUnsafeSlow(64 * 1024);

const LONE_SURROGATE = /\p{Surrogate}/u;
const UINT32_MAX = 0xffff_ffff;

/**
 * Encodes with the shortest form of every length and number; maps keep their order.
 *
 * @throws ProtocolError `FIELD_INVALID` for a number that is no integer from 0 to 2^53-1 and for text that has no UTF-8
 */
export function encodeCbor(value: CborValue): Uint8Array {
  const wire = toWire(value);
  // Else the package would keep the buffer of the largest message so far, and write the next ones behind it.
  codec.useBuffer(SCRATCH);
  const bytes = new Uint8Array(codec.encode(wire));
  codec.useBuffer(SCRATCH);
  return bytes;
}

/**
 * Decodes exactly what {@link encodeCbor} writes: every length and number in its shortest form, each key once, so that no
 * two byte strings mean the same. Byte strings in the result are views on `bytes`.
 *
 * Does not check what the value means.
 *
 * @throws ProtocolError `MESSAGE_TOO_LARGE`, `CBOR_MALFORMED`, `CBOR_FORBIDDEN`, `CBOR_LIMIT`, `CBOR_NOT_STRICT`
 */
export function decodeCbor(bytes: Uint8Array, maxBytes: number): CborValue {
  if (bytes.length > maxBytes) {
    throw new ProtocolError("MESSAGE_TOO_LARGE", `${bytes.length} bytes, ${maxBytes} allowed`);
  }
  try {
    const reader = new ByteReader(bytes);
    const value = readItem(reader, 0, { items: CBOR_ITEMS_MAX });
    reader.end();
    return value;
  } catch (cause) {
    if (cause instanceof ProtocolError) throw cause;
    throw new ProtocolError("CBOR_MALFORMED", "not one CBOR item", { cause });
  }
}

function readItem(reader: ByteReader, depth: number, budget: { items: number }): CborValue {
  if (depth > CBOR_DEPTH_MAX) throw new ProtocolError("CBOR_LIMIT", "CBOR is nested too deeply");
  if (budget.items === 0) throw new ProtocolError("CBOR_LIMIT", "CBOR has too many items");
  budget.items--;
  const initial = reader.u8();
  switch (initial >> 5) {
    case Major.UNSIGNED:
      return readArgument(reader, initial);
    case Major.BYTES:
      return reader.bytes(readArgument(reader, initial));
    case Major.TEXT:
      return readText(reader.bytes(readArgument(reader, initial)));
    case Major.ARRAY: {
      const items: CborValue[] = [];
      for (let n = readArgument(reader, initial); n > 0; n--) {
        items.push(readItem(reader, depth + 1, budget));
      }
      return items;
    }
    case Major.MAP: {
      const map = new Map<string, CborValue>();
      const size = readArgument(reader, initial);
      for (let n = size; n > 0; n--) {
        const key = readItem(reader, depth + 1, budget);
        if (typeof key !== "string") {
          throw new ProtocolError("CBOR_FORBIDDEN", "a map key is not text");
        }
        map.set(key, readItem(reader, depth + 1, budget));
      }
      if (map.size !== size) throw notStrict("a key twice");
      return map;
    }
    default:
      return readSimple(initial);
  }
}

function readSimple(initial: number): null | boolean {
  switch (initial) {
    case Simple.FALSE:
      return false;
    case Simple.TRUE:
      return true;
    case Simple.NULL:
      return null;
    default:
      throw forbidden(initial);
  }
}

/** The number in an item's head (RFC 8949, 3), a value or a length, in its shortest form (4.2.1). */
function readArgument(reader: ByteReader, initial: number): number {
  const info = initial & 0x1f;
  if (info < 24) return info;
  switch (info) {
    case 24:
      return atLeast(24, reader.u8());
    case 25:
      return atLeast(2 ** 8, reader.u16());
    case 26:
      return atLeast(2 ** 16, reader.u32());
    case 27:
      return atLeast(2 ** 32, reader.u64());
    default:
      throw forbidden(initial);
  }
}

function atLeast(smallest: number, value: number): number {
  if (value < smallest) throw notStrict(`${value} in more bytes than it needs`);
  return value;
}

function readText(bytes: Uint8Array): string {
  if (!isUtf8(bytes)) throw notStrict("text that is no UTF-8");
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8");
}

function notStrict(what: string): ProtocolError {
  return new ProtocolError("CBOR_NOT_STRICT", `CBOR has ${what}`);
}

function forbidden(initial: number): ProtocolError {
  return new ProtocolError("CBOR_FORBIDDEN", `CBOR item 0x${initial.toString(16)} is not allowed`);
}

/** What the package encodes in the shortest form: it would make floats of numbers above 32 bits. */
function toWire(value: CborValue): unknown {
  if (typeof value === "number") {
    if (!Number.isSafeInteger(value) || value < 0) throw unwritable(`number ${value}`);
    return value > UINT32_MAX ? BigInt(value) : value;
  }
  if (typeof value === "string" && LONE_SURROGATE.test(value)) throw unwritable("lone surrogate");
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return value;
  if (isList(value)) return value.map(toWire);
  return new Map(Array.from(value, ([key, item]) => [toWire(key), toWire(item)]));
}

function isList(
  value: readonly CborValue[] | ReadonlyMap<string, CborValue>,
): value is readonly CborValue[] {
  return Array.isArray(value);
}

function unwritable(what: string): ProtocolError {
  return new ProtocolError("FIELD_INVALID", `CBOR cannot carry ${what}`);
}
