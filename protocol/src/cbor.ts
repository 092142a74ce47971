// SPDX-License-Identifier: Apache-2.0

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
/** false, true, null. */
const SIMPLE: ReadonlySet<number> = new Set([0xf4, 0xf5, 0xf6]);

// As few of the package's own extensions as it lets one choose. Its decoder would still follow tags into records,
// packed values and constructors: `scan` keeps those from it.
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
 * Decodes exactly what {@link encodeCbor} writes: the value is encoded again and must give the same bytes, so that no
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
  const value = decodeItem(bytes);
  if (Buffer.compare(encodeCbor(value), bytes) !== 0) {
    throw new ProtocolError("CBOR_NOT_STRICT", "CBOR in other bytes than its shortest form");
  }
  return value;
}

function decodeItem(bytes: Uint8Array): CborValue {
  try {
    const reader = new ByteReader(bytes);
    // A view of our own, for the package attaches a property to what it is given.
    const view = reader.rest;
    scan(reader, 0, { items: CBOR_ITEMS_MAX });
    reader.end();
    return fromWire(codec.decode(view));
  } catch (cause) {
    if (cause instanceof ProtocolError) throw cause;
    throw new ProtocolError("CBOR_MALFORMED", "not one CBOR item", { cause });
  }
}

/** Walks over one item without building anything: the decoder shall meet only types and sizes it is meant for. */
function scan(reader: ByteReader, depth: number, budget: { items: number }): void {
  if (depth > CBOR_DEPTH_MAX) throw new ProtocolError("CBOR_LIMIT", "CBOR is nested too deeply");
  if (budget.items === 0) throw new ProtocolError("CBOR_LIMIT", "CBOR has too many items");
  budget.items--;
  const initial = reader.u8();
  switch (initial >> 5) {
    case Major.UNSIGNED:
      readArgument(reader, initial);
      return;
    case Major.BYTES:
    case Major.TEXT:
      reader.bytes(readArgument(reader, initial));
      return;
    case Major.ARRAY:
      for (let n = readArgument(reader, initial); n > 0; n--) scan(reader, depth + 1, budget);
      return;
    case Major.MAP:
      for (let n = readArgument(reader, initial); n > 0; n--) {
        scan(reader, depth + 1, budget);
        scan(reader, depth + 1, budget);
      }
      return;
    default:
      if (!SIMPLE.has(initial)) throw forbidden(initial);
  }
}

/** The number in an item's head (RFC 8949, 3): a value or a length. */
function readArgument(reader: ByteReader, initial: number): number {
  const info = initial & 0x1f;
  if (info < 24) return info;
  if (info === 24) return reader.u8();
  if (info === 25) return reader.u16();
  if (info === 26) return reader.u32();
  if (info === 27) return reader.u64();
  throw forbidden(initial);
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

function fromWire(value: unknown): CborValue {
  // `scan` has seen that it is at most 2^53-1.
  if (typeof value === "bigint") return Number(value);
  if (Array.isArray(value)) return value.map(fromWire);
  if (value instanceof Map) {
    return new Map(Array.from(value, ([key, item]) => [fromKey(key), fromWire(item)]));
  }
  return value as null | boolean | number | string | Uint8Array;
}

function fromKey(key: unknown): string {
  if (typeof key !== "string") throw new ProtocolError("CBOR_FORBIDDEN", "a map key is not text");
  return key;
}

function isList(
  value: readonly CborValue[] | ReadonlyMap<string, CborValue>,
): value is readonly CborValue[] {
  return Array.isArray(value);
}

function unwritable(what: string): ProtocolError {
  return new ProtocolError("FIELD_INVALID", `CBOR cannot carry ${what}`);
}
